//! What handlers take: each extractor turns what does not fit into an [`ApiError`](crate::ApiError).

mod caller;
mod id;
mod json;
mod query;

pub use caller::{Caller, note_account};
pub use id::{Id, Ids};
pub use json::{Json, Nullable, content_type, given, parse, unread};
pub use query::Query;
pub use shared::fields::Fields;
