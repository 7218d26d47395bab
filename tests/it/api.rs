//! The API, route by route.

mod health;
