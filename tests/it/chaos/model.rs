//! The state machine of jobs, as a model and for real: any interleaving of what can happen to a few jobs leaves the rows
//! as the model says.

mod reference;
mod scripted;
mod world;

use super::settings::number;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use scripted::Act;
use world::World;

/// Cases, unless `ERRAND_MODEL_CASES` says otherwise.
const CASES: u32 = 100;

/// Jobs of one case at most.
const JOBS: usize = 4;

/// One thing that happens. Numbers name jobs and attempts, wrapped around to those that there are.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A job is written: due in so many seconds, under a key.
    Enqueue(u8, Key),
    /// Messages of the jobs with these bits are claimed in one statement.
    ClaimIds(u8),
    /// A message of one job is claimed, which is to run alone.
    ClaimAlone(u8),
    /// What is due is claimed from the line.
    ClaimDue,
    /// What has to run alone is claimed.
    ClaimSuspect,
    /// An attempt, old or new, extends its lease.
    Heartbeat(u8),
    /// An attempt, old or new, ends like this.
    End(u8, Act),
    /// A job is called off.
    Cancel(u8),
    /// A job is taken up again.
    Retry(u8),
    /// A job is moved to so many seconds from now.
    Reschedule(u8, u8),
    /// The scheduler ticks, looking ahead or not.
    Wake(bool),
    /// Time passes: tenths of a second.
    Advance(u16),
}

/// Under which key a job is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    /// None.
    None,
    /// One that joins what has not started.
    Coalesce,
    /// One that joins what is not finished.
    Exclusive,
}

/// Begins with jobs, so that there is something to happen to.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let first = prop::collection::vec(key().prop_map(|key| Step::Enqueue(0, key)), 1..=2);
    (first, prop::collection::vec(step(), 5..40)).prop_map(|(first, rest)| [first, rest].concat())
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![3 => Just(Key::None), 1 => Just(Key::Coalesce), 1 => Just(Key::Exclusive)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop_oneof![2 => Just(0_u8), 1 => Just(30)], key()).prop_map(|(delay, key)| Step::Enqueue(delay, key)),
        4 => any::<u8>().prop_map(Step::ClaimIds),
        2 => any::<u8>().prop_map(Step::ClaimAlone),
        8 => Just(Step::ClaimDue),
        4 => Just(Step::ClaimSuspect),
        2 => any::<u8>().prop_map(Step::Heartbeat),
        10 => (any::<u8>(), scripted::act()).prop_map(|(attempt, act)| Step::End(attempt, act)),
        2 => any::<u8>().prop_map(Step::Cancel),
        2 => any::<u8>().prop_map(Step::Retry),
        1 => (any::<u8>(), prop_oneof![Just(0_u8), Just(45)]).prop_map(|(job, delay)| Step::Reschedule(job, delay)),
        4 => any::<bool>().prop_map(Step::Wake),
        5 => prop_oneof![Just(17_u16), Just(41), Just(333), Just(1_700)].prop_map(Step::Advance),
    ]
}

#[test]
fn every_interleaving_leaves_the_rows_as_the_model_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let world = std::sync::Mutex::new(world);
    let seeds = FileFailurePersistence::Direct("it/chaos/model/failures.txt");
    let cases = number("ERRAND_MODEL_CASES").unwrap_or(CASES);
    let config = Config { cases, failure_persistence: Some(Box::new(seeds)), ..Config::default() };

    proptest!(config, |(steps in steps())| {
        let mut world = world.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let verdict = runtime.block_on(async {
            world.begin().await;
            world.tally.one("cases");
            for step in &steps {
                world.take(*step).await.map_err(|what| format!("{step:?}: {what}"))?;
            }
            Ok::<_, String>(())
        });
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    });

    let world = world.into_inner().unwrap();
    crate::hosts::say(&format!("the model agreed: {}", world.tally));
    drop(runtime);
}
