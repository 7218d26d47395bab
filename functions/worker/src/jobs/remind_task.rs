//! Reminds an owner of a task: writes the job that sends the mail.

use crate::State;
use serde::Serialize;
use shared::ids::JobId;
use shared::jobs::{self, Context, Failure, Job, NewJob, Outcome};
use shared::mail::SendEmail;
use shared::reminders::{self, RemindTask, Reminder};
use shared::tasks::Status;

/// What the finished job says.
#[derive(Serialize)]
#[serde(untagged)]
enum Ended {
    /// A mail is on its way.
    Reminded { reminded: bool, mail_job: JobId },
    /// There was nothing to remind of.
    Not { reminded: bool, because: &'static str },
}

/// A second run is harmless: the job of the mail is written with the fence, so there is one however often this runs.
impl Job<State> for RemindTask {
    async fn run(self, state: State, context: Context) -> Result<Outcome, Failure> {
        let Some(owner) = context.owner() else {
            return Err(Failure::discard("a reminder needs an owner, who gets it"));
        };
        let mut tx = state.db.begin().await?;
        let reminder = match reminders::lock(&mut tx, owner, self.task, context.job()).await? {
            None => Err("the task is gone"),
            Some(reminder) if reminder.status == Status::Done => Err("the task is done"),
            Some(reminder) if !reminder.is_current => Err("the reminder was moved or taken away"),
            Some(reminder) => Ok(reminder),
        };
        let reminder = match reminder {
            Ok(reminder) => reminder,
            Err(because) => {
                tx.rollback().await?;
                return context.done(Ended::Not { reminded: false, because });
            }
        };

        let job = NewJob::new(&mail(reminder))?.owned_by(owner);
        let enqueued = jobs::enqueue(&mut tx, job, &state.clock).await?;
        reminders::fired(&mut tx, owner, self.task).await?;
        let outcome = context.commit(tx, Ended::Reminded { reminded: true, mail_job: enqueued.row.id }).await?;
        state.notifier.notify(enqueued.notice).await;
        Ok(outcome)
    }
}

fn mail(reminder: Reminder) -> SendEmail {
    let due = match reminder.due_at {
        Some(due_at) => format!("It is due at {}.\n", due_at.format("%H:%M UTC on %-d %B %Y")),
        None => String::new(),
    };
    SendEmail {
        subject: format!("Reminder: {}", one_line(&reminder.title)),
        text: format!("You asked to be reminded of this task:\n\n{}\n\n{due}", reminder.title),
        to: reminder.email,
    }
}

/// A title may have line breaks, which a subject must not have.
fn one_line(title: &str) -> String {
    let visible: String = title.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
