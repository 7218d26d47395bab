//! The sandboxes of one build of a function, as Lambda keeps them: made when all others are busy, frozen between two
//! invocations, and taken away without a word.

use crate::chaos::processes::{Part, signal};
use crate::support::runtime_api::{Invocation, Sandbox};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Sandboxes of one build; clones share them.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    part: Part,
    most: u32,
    places: Semaphore,
    frozen: Mutex<Vec<Sandbox>>,
    busy: Mutex<Vec<u32>>,
    history: Mutex<Past>,
}

/// What a fleet has done.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Processes that were started.
    pub sandboxes: u64,
    /// Events that were handed over.
    pub invocations: u64,
    /// From the start of each process to its first answer.
    pub cold_starts: Vec<Duration>,
}

impl Fleet {
    /// A fleet without sandboxes, that takes this many invocations at once.
    pub fn new(part: Part, most: u32) -> Self {
        let places = Semaphore::new(usize::try_from(most).unwrap());
        let (frozen, busy, history) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { part, most, places, frozen, busy, history }))
    }

    /// Hands an event to a sandbox that is frozen, or to a new one; waits for a place where there may be no more.
    pub async fn invoke(&self, event: &Value) -> Invocation {
        let _place = self.0.places.acquire().await.unwrap();
        let frozen = self.0.frozen.lock().unwrap().pop();
        let is_new = frozen.is_none();
        let mut sandbox = match frozen {
            Some(sandbox) => {
                sandbox.thaw();
                sandbox
            }
            None => self.0.part.start().await,
        };
        let pid = sandbox.pid();
        self.0.busy.lock().unwrap().push(pid);
        let invocation = sandbox.invoke(event).await;
        let is_answered = matches!(invocation, Invocation::Answer(_) | Invocation::Error(_));
        self.note(is_new, sandbox.cold_start());
        let lives = is_answered && sandbox.comes_to_rest().await;
        self.0.busy.lock().unwrap().retain(|busy| *busy != pid);
        if lives {
            sandbox.freeze();
            self.0.frozen.lock().unwrap().push(sandbox);
        } else {
            sandbox.kill().await;
        }
        invocation
    }

    fn note(&self, is_new: bool, cold_start: Option<Duration>) {
        let mut history = self.0.history.lock().unwrap();
        history.invocations += 1;
        if is_new {
            history.sandboxes += 1;
            history.cold_starts.extend(cold_start);
        }
    }

    /// Takes a sandbox away that is frozen, if there is one.
    pub async fn reap(&self) -> bool {
        let frozen = self.0.frozen.lock().unwrap().pop();
        let Some(mut sandbox) = frozen else { return false };
        sandbox.kill().await;
        true
    }

    /// Kills a sandbox in the middle of its invocation, if there is one.
    pub fn strike(&self) -> bool {
        let busy = self.0.busy.lock().unwrap();
        let Some(pid) = busy.first() else { return false };
        signal(*pid, "KILL");
        true
    }

    /// Lets every invocation that is under way end, and takes all sandboxes away.
    pub async fn leave(&self) {
        let _all = self.0.places.acquire_many(self.0.most).await.unwrap();
        while self.reap().await {}
    }

    /// What was done so far.
    pub fn past(&self) -> Past {
        self.0.history.lock().unwrap().clone()
    }
}

/// What stands between callers and the builds of a function: an alias, whose traffic is shifted.
#[derive(Clone)]
pub struct Alias(Arc<Mutex<Vec<(u32, Fleet)>>>);

impl Alias {
    /// All traffic goes to one build.
    pub fn to(fleet: &Fleet) -> Self {
        Self(Arc::new(Mutex::new(vec![(1, fleet.clone())])))
    }

    /// Traffic goes to builds by their weights from now on.
    pub fn shift(&self, weights: &[(u32, &Fleet)]) {
        *self.0.lock().unwrap() = weights.iter().map(|(weight, fleet)| (*weight, (*fleet).clone())).collect();
    }

    /// Hands an event to one of the builds.
    pub async fn invoke(&self, event: &Value) -> Invocation {
        let fleet = {
            let weights = self.0.lock().unwrap();
            let mut lot = fastrand::u32(0..weights.iter().map(|(weight, _)| weight).sum());
            let mut found = weights.iter().filter(|(weight, _)| {
                let is_hit = lot < *weight;
                lot = lot.saturating_sub(*weight);
                is_hit
            });
            found.next().unwrap().1.clone()
        };
        fleet.invoke(event).await
    }
}
