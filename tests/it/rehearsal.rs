//! What happens around the functions as they are deployed, acted out: a deploy with its rollback, and sandboxes that are made,
//! frozen and ended as Lambda does it. `docs/proof.md` says what is shown, and how to do it larger.

mod clients;
mod deploy;
mod fleet;
mod load;
mod source;
mod stage;
mod thaw;
mod vault;
