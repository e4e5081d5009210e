//! The process of the example, told things in every order: it never gets stuck.

#[path = "../../examples/table_booking/evening.rs"]
mod evening;
#[path = "../../examples/table_booking/requests.rs"]
mod requests;

use std::time::Duration;

use cqrs::Timestamp;
use cqrs::testkit::{GivenProcess, Told};
use evening::{Evening, EveningEvent, EveningInput, PATIENCE, Part, PartState};
use proptest::prelude::*;
use requests::{CANCELLED, PartOfEvening, REQUESTED, publish};

fn answered(part: Part, yes: bool) -> EveningInput {
    EveningInput::Answered { part, yes }
}

fn planned() -> Told<Evening> {
    GivenProcess::<Evening>::nothing().named("ada").told(EveningInput::Planned)
}

fn of_ada(part: Part) -> PartOfEvening {
    PartOfEvening { evening: "ada".into(), part }
}

const NOON: Timestamp = Timestamp::from_millis(12 * 3_600_000);

#[test]
fn a_plan_asks_for_both_parts_once() {
    let answer_by = NOON.saturating_add(PATIENCE);
    let _ = GivenProcess::<Evening>::nothing()
        .at(NOON)
        .named("ada")
        .told(EveningInput::Planned)
        .then_events(Part::ALL.map(|part| EveningEvent::Requested { part, answer_by }))
        .then_sends(publish, REQUESTED, Part::ALL.map(of_ada))
        .then_next_timer(Some(answer_by))
        .and_told(EveningInput::Planned)
        .then_nothing();
}

#[test]
fn two_promises_make_an_evening_and_nothing_is_waited_for() {
    let told = planned()
        .and_told(answered(Part::Table, true))
        .then_events([EveningEvent::Confirmed { part: Part::Table }])
        .and_told(answered(Part::Taxi, true))
        .then_sends_nothing(publish)
        .then_next_timer(None);
    assert!(told.state().is_booked());
}

#[test]
fn a_late_promise_is_given_back_once() {
    let at = Timestamp::EPOCH.saturating_add(PATIENCE);
    let _ = planned()
        .and_told(answered(Part::Table, true))
        .and_passes(PATIENCE)
        .then_due([
            EveningEvent::TimedOut { part: Part::Taxi, at },
            EveningEvent::CancelRequested { part: Part::Table },
        ])
        .then_next_timer(None)
        .and_told(answered(Part::Taxi, true))
        .then_sends(publish, CANCELLED, [of_ada(Part::Taxi)])
        .and_told(answered(Part::Taxi, true))
        .then_nothing();
}

#[test]
fn what_is_due_comes_before_what_it_is_told() {
    let told = planned().and_passes(PATIENCE - Duration::from_millis(1)).then_nothing().given();
    let late = Timestamp::EPOCH.saturating_add(2 * PATIENCE);
    let at = Timestamp::EPOCH.saturating_add(PATIENCE);
    let [table, taxi] = Part::ALL;
    let _ = told.at(late).told(answered(table, true)).then_events([
        EveningEvent::TimedOut { part: table, at },
        EveningEvent::TimedOut { part: taxi, at },
        EveningEvent::CancelRequested { part: table },
    ]);
}

/// A process whose timer and `due` disagree: it times out, and has told nobody when to look.
mod forgetful {
    use super::*;
    use cqrs::{Aggregate, Process, Timed, TimerChange};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Forgetful(bool);

    impl Aggregate for Forgetful {
        const KIND: &'static str = "forgetful";
        type Event = bool;
        fn apply(&mut self, waits: &bool) {
            self.0 = *waits;
        }
        fn due(&self, at: Timestamp) -> Option<bool> {
            (self.0 && at >= NOON).then_some(false)
        }
    }

    impl Process for Forgetful {
        type Input = ();
        fn decide(&self, (): &(), _: Timestamp) -> Vec<bool> {
            vec![true]
        }
    }

    impl Timed for Forgetful {
        const TIMERS: &'static str = "forgetful_timers";
        fn timers(_: &bool) -> Vec<TimerChange> {
            Vec::new()
        }
    }

    #[test]
    #[should_panic(expected = "becomes due, but no timer is set")]
    fn the_kit_barks() {
        let _ = GivenProcess::<Forgetful>::nothing().told(()).then_next_timer(None);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Told(EveningInput),
    Passes(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    let part = prop_oneof![Just(Part::Table), Just(Part::Taxi)];
    let answer = (part, any::<bool>()).prop_map(|(part, yes)| Step::Told(answered(part, yes)));
    let pause = (0..=PATIENCE.as_secs() + 1).prop_map(|seconds| Step::Passes(Duration::from_secs(seconds)));
    prop_oneof![
        2 => Just(Step::Told(EveningInput::Planned)),
        1 => Just(Step::Told(EveningInput::CalledOff)),
        6 => answer,
        2 => pause,
    ]
}

/// Holds at every instant: who is asked is asked once, what is given back is given back once, and a timer is set for
/// exactly what is waited for.
fn holds_always(evening: &GivenProcess<Evening>) {
    for part in Part::ALL {
        let count = |wanted: fn(&EveningEvent) -> Option<Part>| {
            evening.history().iter().filter(|event| wanted(event) == Some(part)).count()
        };
        assert!(count(requested) <= 1, "{part:?} was asked for twice");
        assert!(count(cancelled) <= 1, "{part:?} was given back twice");
    }
    let waits = |part| match evening.state().part(part) {
        Some(PartState::Asked { answer_by }) => Some(answer_by),
        _ => None,
    };
    assert_eq!(evening.next_timer(), Part::ALL.into_iter().filter_map(waits).min());
}

fn requested(event: &EveningEvent) -> Option<Part> {
    if let EveningEvent::Requested { part, .. } = event { Some(*part) } else { None }
}

fn cancelled(event: &EveningEvent) -> Option<Part> {
    if let EveningEvent::CancelRequested { part } = event { Some(*part) } else { None }
}

/// Holds once nobody can answer in time any more: nothing is waited for, and what was promised is used or given back.
fn holds_at_the_end(evening: &GivenProcess<Evening>, promised: &[Part]) {
    let state = evening.state();
    assert_eq!(evening.next_timer(), None);
    for part in Part::ALL {
        assert!(!matches!(state.part(part), Some(PartState::Asked { .. })), "{part:?} is waited for");
        if promised.contains(&part) && !state.is_booked() {
            assert_eq!(state.part(part), Some(PartState::Cancelled), "{part:?} was promised, and nobody has it");
        }
        if !state.is_booked() {
            assert_ne!(state.part(part), Some(PartState::Confirmed), "{part:?} without the other");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever it is told, how often and in which order: every request is answered, timed out or compensated.
    #[test]
    fn an_evening_never_gets_stuck(steps in prop::collection::vec(step(), 0..24)) {
        let mut evening = GivenProcess::<Evening>::nothing();
        // What others have promised, not having refused it before: it is theirs to take back only if they are told.
        let (mut promised, mut refused) = (Vec::new(), Vec::new());
        for step in steps {
            if let Step::Told(EveningInput::Answered { part, yes }) = step
                && evening.state().part(part).is_some()
                && !refused.contains(&part)
            {
                if yes { promised.push(part) } else if !promised.contains(&part) { refused.push(part) }
            }
            evening = match step {
                Step::Told(input) => evening.told(input).given(),
                Step::Passes(duration) => evening.passes(duration).given(),
            };
            holds_always(&evening);
        }
        let evening = evening.passes(PATIENCE).given();
        holds_always(&evening);
        holds_at_the_end(&evening, &promised);
    }
}
