//! For tests: given/when/then for decisions and processes, a transport that fails on purpose, and the contract suites
//! that every store must pass.
//!
//! Take the crate with the feature `testkit` in your dev-dependencies. Then a decision is tested without a store, a clock or a
//! runtime: [`Given`] these events, when this command, then these events or this rejection. [`GivenProcess`] does the same
//! for a [`process`](crate::process) and its timers, [`ShapeLock`] keeps stored events readable from release to release, and a
//! [`FaultyTransport`] shows that messages may be lost, doubled and reordered.
//!
//! # For who writes a store or a transport
//!
//! Its crate runs a suite by naming, once, how a fresh one is made; each point of the contract becomes a test:
//!
//! ```no_run
//! # use cqrs::memory::{MemoryEventStore, MemoryReadStore};
//! async fn fresh_event_store() -> std::sync::Arc<dyn cqrs::EventStore> {
//!     std::sync::Arc::new(MemoryEventStore::new(4))
//! }
//! cqrs::event_store_contract!(fresh_event_store);
//!
//! async fn fresh_read_store() -> std::sync::Arc<dyn cqrs::ReadStore> {
//!     std::sync::Arc::new(MemoryReadStore::default())
//! }
//! cqrs::read_store_contract!(fresh_read_store);
//! ```
//!
//! Next: [`bus`](crate::bus), where what you have written is put to work.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test tells what it found by panicking"
)]

pub mod event_store_contract;
pub mod executor_contract;
mod faulty_transport;
mod given;
mod process;
pub mod projector_contract;
pub mod read_store_contract;
mod shape_lock;
mod tank;
#[doc(hidden)]
pub mod till;
pub mod transport_contract;

pub use crate::messaging::Guard;
pub use faulty_transport::{FaultPlan, FaultyTransport};
pub use given::{Given, When};
pub use process::{GivenProcess, Told};
pub use shape_lock::ShapeLock;

/// Makes a test of each point of the event store contract, and of what the executor promises on such a store.
///
/// The argument names an `async fn() -> Arc<dyn EventStore>` that makes a fresh, empty log of at least four partitions.
#[macro_export]
macro_rules! event_store_contract {
    ($fresh:ident) => {
        $crate::contract_tests! { $fresh, event_store_contract:
            positions_are_gapless_and_versions_too
            what_was_stored_is_what_was_appended
            no_event_is_lost_or_inverted_under_concurrent_writers_and_a_live_tail
            a_moved_head_is_a_conflict_even_where_nothing_is_appended
            a_batch_over_streams_and_partitions_is_atomic
            a_taken_claim_is_a_conflict_and_the_first_answer_stays
            a_streams_name_is_unique_whatever_its_partition
            an_empty_append_compares_and_changes_nothing
            an_unknown_commit_is_resolved_by_its_batch_id
            a_lock_keeps_other_writers_out
            streams_are_read_in_pages_forwards_and_back
            the_newest_snapshot_is_found
        }
        $crate::contract_tests! { $fresh, executor_contract:
            two_executors_on_one_log_never_oversell
            a_rejection_leaves_its_neighbours_alone
            a_command_over_partitions_is_all_or_nothing
            first_answers_are_replayed_and_reused_keys_refused
            what_is_due_is_recorded_before_the_decision
            log_time_never_goes_back
            a_snapshot_equals_a_replay
            an_unknown_commit_is_answered_once
            a_broken_store_answers_nobody_with_success
            who_has_lost_twice_locks_first
            a_passing_fault_while_catching_up_passes
            if_match_compares_the_first_stream
            late_commands_are_dropped_undecided
        }
    };
}

/// Makes a test of each point of the read store contract, and of what projector and builder promise on such a store.
///
/// The argument names an `async fn() -> Arc<dyn ReadStore>` that makes a fresh, empty store.
#[macro_export]
macro_rules! read_store_contract {
    ($fresh:ident) => {
        $crate::contract_tests! { $fresh, read_store_contract:
            rows_and_checkpoints_are_kept_together
            rows_are_selected_by_index_in_order_with_a_cursor
            keys_are_selected_by_prefix
            values_order_as_nothing_numbers_texts
            rows_of_another_log_are_dropped
            versions_of_a_model_are_apart
            a_build_in_the_shadow_is_read_only_once_it_is_swapped_in
            a_swap_keeps_the_build_before_and_no_other
            builds_are_compared_where_both_have_read_equally_far
            parked_streams_are_kept_with_their_commit
            a_projection_is_applied_exactly_once
        }
        $crate::contract_tests! { $fresh, projector_contract:
            a_rebuild_is_made_beside_the_live_build_and_swapped_in
            a_new_version_is_built_beside_the_old_one
            a_build_that_was_interrupted_goes_on_or_is_dropped
            a_poisoned_stream_waits_and_the_rest_flows
            a_replay_stops_at_the_next_poison
        }
    };
}

/// Makes a test of each point of the transport contract: what relay, transport, feed, consumer and inbox promise together.
///
/// The argument names an `async fn() -> Arc<dyn Transport>` that makes a fresh transport.
///
/// ```no_run
/// async fn fresh_transport() -> std::sync::Arc<dyn cqrs::Transport> {
///     std::sync::Arc::new(cqrs::Channel::default())
/// }
/// cqrs::transport_contract!(fresh_transport);
/// ```
#[macro_export]
macro_rules! transport_contract {
    ($fresh:ident) => {
        $crate::contract_tests! { $fresh, transport_contract:
            every_message_has_its_effect_once_and_in_the_order_of_its_key
            a_gap_is_noticed_and_fetched_from_the_feed
            a_lost_last_message_is_found
            a_killed_consumer_goes_on_where_it_stood
            two_consumers_of_one_context_have_one_effect_per_message
            a_key_that_fails_for_a_while_waits_in_order_and_others_flow
            what_can_never_pass_is_a_dead_letter_and_passes_once_mended
            a_discarded_message_has_no_effect_and_those_behind_it_follow
        }
    };
}

/// Makes a tokio test of each named function of a contract module.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($fresh:ident, $module:ident: $($check:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    $crate::testkit::$module::$check(super::$fresh().await).await;
                }
            )*
        }
    };
}
