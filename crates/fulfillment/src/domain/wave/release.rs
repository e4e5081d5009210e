//! Release a wave: pick lists of one location are given to the floor together.

use std::collections::BTreeSet;

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::{LeftOut, LeftOutReason, ReleasedWave, WAVE_LISTS_MAX, WAVE_TASKS_MAX, Wave, WaveEvent};
use crate::domain::ids::{LocationId, WaveId};
use crate::domain::order::Order;
use crate::domain::pick_list::release::{ReleaseRejection, Released, release};
use crate::domain::pick_list::{PickList, PickListEvent, PickListId};

/// Releases a wave. The same id with the same lists changes nothing and succeeds again.
///
/// A list that cannot be released is left out and named; the others go.
#[derive(Clone, Debug)]
pub struct ReleaseWave {
    /// The wave.
    pub wave_id: WaveId,
    /// Where it is picked.
    pub location: LocationId,
    /// Its lists: 1 to 200, all of that location.
    pub lists: Vec<PickListId>,
}

/// A wave after a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveAnswer {
    /// The wave.
    pub wave_id: WaveId,
    /// Its lists.
    pub lists: Vec<PickListId>,
    /// The lists that were left out.
    pub left_out: Vec<LeftOut>,
    /// Whether it was so before: nothing was recorded.
    pub repeated: bool,
}

/// Why a wave is not released.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaveRejection {
    /// The id is taken by a wave of other lists: use a new one.
    #[error("wave {wave_id} exists with other lists")]
    IdConflict {
        /// The id.
        wave_id: WaveId,
    },
    /// None of its lists can be released.
    #[error("none of the lists of wave {wave_id} can be released")]
    NothingToRelease {
        /// The id.
        wave_id: WaveId,
        /// Why, list by list.
        left_out: Vec<LeftOut>,
    },
}

impl Command for ReleaseWave {
    const NAME: &'static str = "release-wave";
    type Answer = WaveAnswer;
    type Rejection = WaveRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if !(1..=WAVE_LISTS_MAX).contains(&self.lists.len()) {
            return Err(Invalid::field("/pickListIds", "1 to 200 pick lists"));
        }
        let mut seen = BTreeSet::new();
        for (place, id) in self.lists.iter().enumerate() {
            let pointer = || format!("/pickListIds/{place}");
            if id.location != self.location {
                return Err(Invalid::field(pointer(), format!("is not picked at {}", self.location)));
            }
            if !seen.insert(id) {
                return Err(Invalid::field(pointer(), "is named twice"));
            }
        }
        Ok(())
    }

    fn streams(&self) -> Streams {
        let orders = self.lists.iter().map(|id| Order::stream(&id.order_id));
        Streams::one(&Wave::stream(&self.wave_id)).and_all(orders).and_all(self.lists.iter().map(PickList::stream))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<WaveAnswer>, WaveRejection> {
        let stream = Wave::stream(&self.wave_id);
        if let Some(before) = states.of(&stream).released() {
            return self.again(before);
        }
        let (mut lists, mut left_out, mut tasks) = (Vec::new(), Vec::new(), 0);
        let mut decision = Decision::answer(());
        for id in &self.lists {
            match self.release(states, id, tasks) {
                Ok(event) => {
                    tasks += event.tasks.len();
                    lists.push(id.clone());
                    decision = decision.record(&PickList::stream(id), PickListEvent::Released(event));
                }
                Err(reason) => left_out.push(LeftOut { list: id.clone(), reason }),
            }
        }
        if lists.is_empty() {
            return Err(WaveRejection::NothingToRelease { wave_id: self.wave_id.clone(), left_out });
        }
        let answer = WaveAnswer {
            wave_id: self.wave_id.clone(),
            lists: lists.clone(),
            left_out: left_out.clone(),
            repeated: false,
        };
        let released = ReleasedWave { location: self.location.clone(), lists, left_out, released_at: states.at() };
        Ok(decision.record(&stream, WaveEvent::Released(released)).map(|()| answer))
    }
}

impl ReleaseWave {
    /// The answer that was given before, if it was the same question.
    fn again(&self, before: &ReleasedWave) -> Result<Decision<WaveAnswer>, WaveRejection> {
        let left_out = before.left_out.iter().map(|left_out| &left_out.list);
        let asked: BTreeSet<_> = before.lists.iter().chain(left_out).collect();
        if before.location != self.location || asked != self.lists.iter().collect() {
            return Err(WaveRejection::IdConflict { wave_id: self.wave_id.clone() });
        }
        Ok(Decision::answer(WaveAnswer {
            wave_id: self.wave_id.clone(),
            lists: before.lists.clone(),
            left_out: before.left_out.clone(),
            repeated: true,
        }))
    }

    fn release(
        &self,
        states: &States<'_>,
        id: &PickListId,
        tasks: usize,
    ) -> Result<crate::domain::pick_list::Release, LeftOutReason> {
        match release(states, id, Some(&self.wave_id)) {
            Ok(Released::Now(event)) if tasks + event.tasks.len() > WAVE_TASKS_MAX => Err(LeftOutReason::WaveFull),
            Ok(Released::Now(event)) => Ok(event),
            Ok(Released::Before(_)) => Err(LeftOutReason::ReleasedBefore),
            Err(ReleaseRejection::OrderRests(_)) => Err(LeftOutReason::OrderOnHold),
            Err(ReleaseRejection::UnknownPickList { .. } | ReleaseRejection::WrongTransition(_)) => {
                Err(LeftOutReason::NothingToPick)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::fixtures::{id, nothing, place};
    use crate::domain::order::hold::PutOnHold;
    use crate::domain::pick_list::PickListStatus;
    use crate::domain::pick_list::fixtures::{list, reserved_as, work};
    use crate::domain::pick_list::release::ReleasePickList;

    fn wave(lists: &[&str]) -> ReleaseWave {
        let lists = lists.iter().map(|text| list(text)).collect();
        ReleaseWave { wave_id: WaveId::parse("w").unwrap(), location: place("main"), lists }
    }

    fn two_orders() -> cqrs::testkit::Given {
        let given = reserved_as(nothing(), "a", &[("TEA", 3, Some("A-1-1-1"))]);
        reserved_as(given, "b", &[("TEA", 2, Some("A-1-1-1"))])
    }

    #[test]
    fn its_lists_are_released_together_once() {
        let command = wave(&["a~1~main", "b~1~main"]);
        let when = two_orders().when(command.clone());
        assert_eq!((when.answer().lists.len(), when.answer().left_out.len()), (2, 0));
        let given = when.given();
        for text in ["a~1~main", "b~1~main"] {
            assert_eq!(work(&given, text).unwrap().status, PickListStatus::Released);
            let released = given.state(&PickList::stream(&list(text)));
            assert_eq!(released.release().unwrap().wave.as_ref().map(WaveId::as_str), Some("w"));
        }
        let again = given.when(command).then_nothing();
        assert!(again.answer().repeated);
        let conflict = WaveRejection::IdConflict { wave_id: WaveId::parse("w").unwrap() };
        again.and_when(wave(&["a~1~main"])).then_rejected(&conflict);
    }

    #[test]
    fn a_list_that_cannot_go_is_left_out_and_named() {
        let given = two_orders().when(PutOnHold { order_id: id("b"), reason: "x".into() }).given();
        let given = reserved_as(given, "c", &[("MUG", 1, None)]);
        let given = given.when(ReleasePickList { id: list("c~1~main") }).given();
        let command = wave(&["a~1~main", "b~1~main", "c~1~main", "d~1~main"]);
        let when = given.clone().when(command.clone());
        let reasons: Vec<_> = when.answer().left_out.iter().map(|left_out| left_out.reason).collect();
        let expected = [LeftOutReason::OrderOnHold, LeftOutReason::ReleasedBefore, LeftOutReason::NothingToPick];
        assert_eq!(reasons, expected);
        assert_eq!(when.answer().lists, [list("a~1~main")]);
        let again = when.and_when(command).then_nothing();
        assert_eq!(again.answer().left_out.len(), 3);
        let none = given.when(wave(&["b~1~main", "c~1~main"]));
        assert!(matches!(none.result(), Err(WaveRejection::NothingToRelease { left_out, .. }) if left_out.len() == 2));
        none.then_nothing();
    }

    #[test]
    fn it_has_bounds() {
        nothing().when(wave(&[])).then_invalid("/pickListIds");
        let many: Vec<_> = (0..201).map(|number| format!("o{number}~1~main")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        nothing().when(wave(&many)).then_invalid("/pickListIds");
        nothing().when(wave(&["a~1~main", "a~1~main"])).then_invalid("/pickListIds/1");
        nothing().when(wave(&["a~1~main", "a~1~other"])).then_invalid("/pickListIds/1");
        // 1,500 tasks fit, 1,500 more do not.
        let lines: Vec<_> = (0..1_500).map(|_| ("TEA", 1, None)).collect();
        let given = reserved_as(reserved_as(nothing(), "a", &lines), "b", &lines);
        let when = given.when(wave(&["a~1~main", "b~1~main"]));
        let full = LeftOut { list: list("b~1~main"), reason: LeftOutReason::WaveFull };
        assert_eq!(when.answer().left_out, [full]);
    }
}
