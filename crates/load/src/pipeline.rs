//! Lets steps run at once, but never two that share a key, and those in the order they came.
//!
//! Shortages depend on who came first for each SKU, so a replay must keep that order. Steps with nothing in common may
//! overtake each other: that is where the speed comes from. Keeping it on this side (rather than in one batch request)
//! needs no promise from the server about the order inside a batch.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The number of a step.
pub(crate) type StepId = u64;

/// A window of steps, each waiting for the earlier ones that share a key with it.
#[derive(Debug)]
pub(crate) struct Pipeline<S, K> {
    next: StepId,
    steps: HashMap<StepId, Waiting<S, K>>,
    ready: VecDeque<StepId>,
    /// The last step that touches each key, while it is in the window.
    last: HashMap<K, StepId>,
}

#[derive(Debug)]
struct Waiting<S, K> {
    /// Taken when the step starts.
    step: Option<S>,
    keys: Vec<K>,
    /// How many earlier steps it still waits for.
    blockers: usize,
    /// The later steps that wait for it.
    followers: Vec<StepId>,
}

impl<S, K: Clone + Eq + Hash + Ord> Pipeline<S, K> {
    pub(crate) fn new() -> Self {
        Self { next: 0, steps: HashMap::new(), ready: VecDeque::new(), last: HashMap::new() }
    }

    /// How many steps have come in and not ended.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Takes in a step that touches `keys`.
    pub(crate) fn push(&mut self, step: S, mut keys: Vec<K>) {
        let id = self.next;
        self.next += 1;
        keys.sort_unstable();
        keys.dedup();
        let mut blockers: Vec<StepId> = keys.iter().filter_map(|key| self.last.insert(key.clone(), id)).collect();
        blockers.sort_unstable();
        blockers.dedup();
        for blocker in &blockers {
            if let Some(earlier) = self.steps.get_mut(blocker) {
                earlier.followers.push(id);
            }
        }
        if blockers.is_empty() {
            self.ready.push_back(id);
        }
        let waiting = Waiting { step: Some(step), keys, blockers: blockers.len(), followers: Vec::new() };
        self.steps.insert(id, waiting);
    }

    /// A step that may start now, if there is one.
    pub(crate) fn start(&mut self) -> Option<(StepId, S)> {
        let id = self.ready.pop_front()?;
        let step = self.steps.get_mut(&id)?.step.take()?;
        Some((id, step))
    }

    /// Ends a step that was started, and tells its keys: what waited for it alone may start.
    pub(crate) fn end(&mut self, id: StepId) -> Vec<K> {
        let Some(ended) = self.steps.remove(&id) else { return Vec::new() };
        for key in &ended.keys {
            if self.last.get(key) == Some(&id) {
                self.last.remove(key);
            }
        }
        for follower in ended.followers {
            if let Some(waiting) = self.steps.get_mut(&follower) {
                waiting.blockers -= 1;
                if waiting.blockers == 0 {
                    self.ready.push_back(follower);
                }
            }
        }
        ended.keys
    }
}

#[cfg(test)]
mod tests {
    use super::Pipeline;

    fn keys(names: &str) -> Vec<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn steps_without_a_common_key_run_together_and_the_others_in_order() {
        let mut pipeline = Pipeline::new();
        for (step, names) in [("a", "x y"), ("b", "z"), ("c", "y z y"), ("d", "x"), ("e", "z")] {
            pipeline.push(step, keys(names));
        }
        let (a, step) = pipeline.start().unwrap();
        assert_eq!(step, "a");
        let (b, step) = pipeline.start().unwrap();
        assert_eq!(step, "b");
        assert_eq!(pipeline.start(), None, "c shares y with a and z with b; d shares x with a; e waits for c");
        pipeline.end(a);
        let (d, step) = pipeline.start().unwrap();
        assert_eq!(step, "d");
        assert_eq!(pipeline.start(), None);
        pipeline.end(b);
        let (c, step) = pipeline.start().unwrap();
        assert_eq!(step, "c");
        assert_eq!(pipeline.start(), None);
        pipeline.end(c);
        pipeline.end(d);
        assert_eq!(pipeline.start().map(|(_, step)| step), Some("e"));
        assert_eq!(pipeline.len(), 1);
    }
}
