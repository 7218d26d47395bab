//! `errand health`, the probe of a container.

use crate::hosts::{Errand, run, state_folder};

#[tokio::test]
async fn it_says_by_its_exit_code_whether_errand_is_well() {
    let folder = state_folder();
    let errand = Errand::up(folder.path(), &[]).await;
    let port = errand.address().port().to_string();

    let live = run(&["health"], &[("HOST", "0.0.0.0"), ("PORT", &port)]).await;
    let ready = run(&["health", "--ready", "--port", &port], &[]).await;
    errand.stop().await;
    let stopped = run(&["health"], &[("PORT", &port)]).await;

    assert_eq!((live.code, live.stderr), (0, String::new()));
    assert_eq!((ready.code, ready.stderr), (0, String::new()));
    assert_eq!(stopped.code, 1);
    assert!(stopped.stderr.contains(&format!("nothing answers at http://127.0.0.1:{port}")), "{}", stopped.stderr);
}
