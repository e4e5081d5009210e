//! Orders through both contexts, as a shop sees them: placed over HTTP, reserved by messages, and never lost between the two.

mod backup;
mod bad_input;
mod counter;
mod dead_letters;
mod failures;
mod feed;
mod life;
mod limits;
mod lists;
mod pair;
mod patterns;
mod policies;
mod receiver;
mod two_processes;
mod verify;
mod webhooks;
