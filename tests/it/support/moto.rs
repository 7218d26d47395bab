//! AWS on this machine: one `moto` server per test process, for the adapters of SQS and Secrets
//! Manager.

use std::{
    env, fs,
    io::{self, Read as _, Seek as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use tokio::{sync::OnceCell, time};

const REGION: &str = "eu-central-1";

/// Runs the server beside a reader of standard input, whose other end the test process holds: when
/// that process ends, however it ends, the reader sees the end of its input and kills the server.
const WATCHED: &str = r#"
exec 3<&0
if command -v moto_server >/dev/null 2>&1; then
    moto_server -H 127.0.0.1 -p "$1" 3<&- &
else
    python3 -m moto.server -H 127.0.0.1 -p "$1" 3<&- &
fi
server=$!
{ cat <&3 >/dev/null; kill -9 "$server"; } &
wait "$server"
"#;

/// The running server.
pub struct Moto {
    /// Where it answers, for all services.
    pub endpoint: String,
    watchdog: Child,
}

/// The server, started on first use; `None`, said loudly, where moto is not installed.
///
/// With `ERRAND_REQUIRE_TOOLS=1` a missing moto fails the test instead.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
pub async fn moto() -> Option<&'static Moto> {
    static MOTO: OnceCell<Option<Moto>> = OnceCell::const_new();

    let moto = MOTO.get_or_init(launch).await.as_ref();
    if moto.is_none() {
        let current = thread::current();
        let test = current.name().unwrap_or("a test");
        let message = format!("SKIPPED: {test}: moto is not installed: pip install 'moto[server]'");
        assert!(env::var_os("ERRAND_REQUIRE_TOOLS").is_none_or(|value| value != "1"), "{message}");
        // Not `eprintln!`, whose text the test harness keeps to itself unless the test fails.
        let line = format!("{message}\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
    moto
}

impl Moto {
    /// What the SDK needs to talk to the server, for any service.
    pub fn config(&self) -> SdkConfig {
        config(&self.endpoint)
    }

    /// A client of SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config())
    }

    /// A client of Secrets Manager.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config())
    }

    /// Creates a queue and gives its URL; the server is shared, so each test needs a name of its
    /// own.
    pub async fn queue(&self, name: &str) -> String {
        let created = self.sqs().create_queue().queue_name(name).send().await;
        created.unwrap().queue_url.unwrap()
    }

    /// The variables of a process that is to talk to the server.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
}

/// What the SDK needs to talk to something that answers like AWS, for any service.
pub fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "moto");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

/// Starts the server and waits until it answers; `None` when it is not installed.
async fn launch() -> Option<Moto> {
    // Another process can take the free port before the server does: then the next one is tried.
    for _ in 0..3 {
        let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = unused.local_addr().unwrap().port();
        drop(unused);
        let mut log = tempfile::tempfile().unwrap();
        let mut moto = start(port, &log);

        match wait_until_ready(&mut moto).await {
            Ok(()) => return Some(moto),
            Err(127) => return None,
            Err(_) => {
                let mut written = String::new();
                log.rewind().unwrap();
                log.read_to_string(&mut written).unwrap();
                if written.contains("No module named") {
                    return None;
                }
                assert!(written.contains("in use"), "moto does not start:\n{written}");
            }
        }
    }
    panic!("moto finds no free port")
}

/// Starts the server in a process group of its own, so that Ctrl-C does not end the watchdog before
/// the server.
fn start(port: u16, log: &fs::File) -> Moto {
    let watchdog = Command::new("sh")
        .args(["-c", WATCHED, "sh", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log.try_clone().unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    Moto { endpoint: format!("http://127.0.0.1:{port}"), watchdog }
}

/// Asks until the server answers; an error is the code it exited with.
async fn wait_until_ready(moto: &mut Moto) -> Result<(), i32> {
    let address = moto.endpoint.trim_start_matches("http://").to_owned();
    let ready = async {
        loop {
            if let Some(status) = moto.watchdog.try_wait().unwrap() {
                return Err(status.code().unwrap_or(-1));
            }
            let listening = tokio::net::TcpStream::connect(&address).await.is_ok();
            if listening && moto.sqs().list_queues().send().await.is_ok() {
                return Ok(());
            }
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(Duration::from_mins(1), ready).await.expect("moto answers within a minute")
}
