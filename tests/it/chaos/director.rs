//! Who breaks what, and when: cards of a deck, in the order and with the pauses that the seed says. Each card is dealt
//! before any comes again, so that a short run meets every fault too.

use super::processes::{Cast, Strike};
use super::queue::Queue;
use super::stage::Stage;
use super::tally::Tally;
use std::time::Duration;
use tokio::sync::mpsc;

/// The statements around each point of a job's life, by name.
const STATEMENTS: [(&str, &str); 12] = [
    ("enqueue", include_str!("../../../shared/src/jobs/enqueue.sql")),
    ("claim_ids", include_str!("../../../shared/src/jobs/claim_ids.sql")),
    ("claim_due", include_str!("../../../shared/src/jobs/claim_due.sql")),
    ("heartbeat", include_str!("../../../shared/src/jobs/heartbeat.sql")),
    ("the effect", "update slots set value"),
    ("the fence", include_str!("../../../shared/src/jobs/fence.sql")),
    ("a step", include_str!("../../../shared/src/jobs/save.sql")),
    ("a claim of a suspect", include_str!("../../../shared/src/jobs/claim_suspect.sql")),
    ("the lock of keys", include_str!("../../../shared/src/jobs/lock_keys.sql")),
    ("settle", include_str!("../../../shared/src/jobs/settle.sql")),
    ("wake", include_str!("../../../shared/src/jobs/wake.sql")),
    ("an effect with its end", "with effect as"),
];

/// The fence among them.
const FENCE: usize = 5;

/// The one that has an effect and is its own fence.
const AT_ONCE: usize = 11;

/// One thing that breaks.
#[derive(Clone, Copy, Debug)]
enum Card {
    KillWorker,
    KillScheduler,
    FreezeWorker,
    FreezeScheduler,
    StopWorker,
    CutBeforeCommit,
    LoseAnswerOfCommit,
    CutBefore(usize),
    LoseAnswerOf(usize),
    HoldUp(usize),
    CutAll,
    DatabaseGone,
    DatabaseCrash,
    DatabaseRestart,
    QueueDown,
}

/// Breaks things until it is dropped.
pub struct Director<'a> {
    /// What everything happens on.
    pub stage: &'a mut Stage,
    /// The processes.
    pub cast: &'a Cast,
    /// The queue, if there is one.
    pub queue: Option<&'a Queue>,
    /// The order of the cards, and the pauses.
    pub random: fastrand::Rng,
    /// What was done.
    pub tally: Tally,
}

impl Director<'_> {
    /// Deals the whole deck, and again until told that it is enough.
    pub async fn rage(&mut self, enough: &mut (dyn FnMut() -> bool + Send)) {
        for deal in 0.. {
            let mut deck = deck();
            self.random.shuffle(&mut deck);
            for card in deck {
                if deal > 0 && enough() {
                    break;
                }
                tokio::time::sleep(self.milliseconds(50..450)).await;
                self.play(card).await;
                // The proxy notes each statement, and nobody reads that here.
                self.stage.proxy.reset();
            }
            if enough() {
                break;
            }
        }
        let spared = self.stage.proxy.disarm();
        self.tally.add("cuts and delays that met no statement", spared as u64);
    }

    async fn play(&mut self, card: Card) {
        match card {
            Card::KillWorker => {
                let pause = self.milliseconds(0..700);
                self.strike_worker(Strike::Kill(pause));
            }
            Card::FreezeWorker => {
                let time = self.milliseconds(500..5_000);
                self.strike_worker(Strike::Freeze(time));
            }
            Card::StopWorker => {
                let pause = self.milliseconds(50..3_000);
                self.strike_worker(Strike::Stop(pause));
            }
            Card::KillScheduler => {
                let pause = self.milliseconds(0..1_500);
                self.strike_scheduler(Strike::Kill(pause));
            }
            Card::FreezeScheduler => {
                let time = self.milliseconds(500..3_000);
                self.strike_scheduler(Strike::Freeze(time));
            }
            Card::CutBeforeCommit => self.stage.proxy.cut_before_next_commit(),
            Card::LoseAnswerOfCommit => self.stage.proxy.swallow_next_commit_answer(),
            Card::CutBefore(statement) => self.stage.proxy.cut_before(STATEMENTS[statement].1),
            Card::LoseAnswerOf(statement) => self.stage.proxy.swallow_answer_of(STATEMENTS[statement].1),
            Card::HoldUp(statement) => {
                let delay = self.milliseconds(200..9_000);
                self.stage.proxy.hold_up(STATEMENTS[statement].1, delay);
            }
            Card::CutAll => self.stage.proxy.cut_all(),
            Card::DatabaseGone => {
                self.stage.proxy.refuse(true);
                tokio::time::sleep(self.milliseconds(100..2_500)).await;
                self.stage.proxy.refuse(false);
            }
            Card::DatabaseCrash => {
                let pause = self.milliseconds(0..1_500);
                self.stage.crash(pause).await;
            }
            Card::DatabaseRestart => {
                let pause = self.milliseconds(0..1_500);
                self.stage.restart(pause).await;
            }
            Card::QueueDown => {
                let time = self.milliseconds(200..3_000);
                let Some(queue) = self.queue else { return };
                queue.be_down(true);
                tokio::time::sleep(time).await;
                queue.be_down(false);
            }
        }
        self.count(card);
    }

    fn count(&self, card: Card) {
        let name = match card {
            // The processes count these themselves.
            Card::KillWorker | Card::KillScheduler | Card::FreezeWorker | Card::FreezeScheduler | Card::StopWorker => {
                return;
            }
            Card::CutBefore(statement) => format!("cuts before {}", STATEMENTS[statement].0),
            Card::LoseAnswerOf(statement) => format!("lost answers of {}", STATEMENTS[statement].0),
            Card::HoldUp(_) => "statements held up".to_owned(),
            Card::CutBeforeCommit => "cuts before a commit".to_owned(),
            Card::LoseAnswerOfCommit => "lost answers of a commit".to_owned(),
            Card::CutAll => "times all connections were cut".to_owned(),
            Card::DatabaseGone => "times the database was gone".to_owned(),
            Card::DatabaseCrash => "crashes of PostgreSQL".to_owned(),
            Card::DatabaseRestart => "restarts of PostgreSQL".to_owned(),
            Card::QueueDown => "times the queue was down".to_owned(),
        };
        self.tally.one(&name);
    }

    fn milliseconds(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.u64(range))
    }

    fn strike_worker(&mut self, strike: Strike) {
        let chosen = self.random.usize(0..self.cast.workers.len());
        send(&self.cast.workers[chosen], strike);
    }

    fn strike_scheduler(&mut self, strike: Strike) {
        let chosen = self.random.usize(0..self.cast.schedulers.len());
        send(&self.cast.schedulers[chosen], strike);
    }
}

/// A process that is down or frozen already is not struck once more.
fn send(strikes: &mpsc::Sender<Strike>, strike: Strike) {
    strikes.try_send(strike).ok();
}

fn deck() -> Vec<Card> {
    let mut deck = vec![Card::CutAll, Card::DatabaseGone, Card::DatabaseCrash, Card::DatabaseRestart, Card::QueueDown];
    deck.extend([Card::KillWorker; 8]);
    deck.extend([Card::KillScheduler; 3]);
    deck.extend([Card::FreezeWorker; 3]);
    deck.extend([Card::FreezeScheduler, Card::StopWorker, Card::StopWorker]);
    deck.extend([Card::CutBeforeCommit; 3]);
    deck.extend([Card::LoseAnswerOfCommit; 3]);
    // So late that another attempt has done the work: what the fence is there for.
    deck.extend([Card::HoldUp(FENCE); 6]);
    deck.extend([Card::HoldUp(AT_ONCE); 3]);
    for statement in 0..STATEMENTS.len() {
        deck.extend([Card::CutBefore(statement), Card::LoseAnswerOf(statement), Card::HoldUp(statement)]);
    }
    deck
}
