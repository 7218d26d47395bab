//! Whether functions are built so that a panic can be caught: that is a matter of the profile, and of who applies it.

use crate::support::binaries;
use crate::support::runtime_api::{Invocation, Sandbox};
use serde_json::json;

/// Were it otherwise, one job that panics would take its sandbox with it, and all jobs beside it.
#[tokio::test]
async fn a_panic_fails_its_invocation_and_not_the_process() {
    let mut function = Sandbox::start(&binaries::path("panics"), &[]).await;

    for message in ["the first", "the second"] {
        let invocation = function.invoke(&json!(message)).await;

        let Invocation::Error(error) = invocation else { panic!("{invocation:?}") };
        assert!(error["errorMessage"].as_str().unwrap().contains(message), "{error}");
    }
}
