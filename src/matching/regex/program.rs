//! A pattern compiled to steps, whose alternatives all run at once (Thompson's simulation). A run looks at each byte of the
//! value once and takes no step twice for it, so the time is linear in the length of the value, whatever the pattern.

use std::sync::Arc;

use super::ast::{Ast, Look};
use super::byte_set::{ByteSet, is_word};

/// The most steps of a program. This bounds its memory and the time for one byte.
const MOST_STEPS: usize = 10_000;

/// The steps of a pattern that has to match a whole value.
#[derive(Debug)]
pub(super) struct Program {
    /// The bytes that every match begins with.
    prefix: Box<[u8]>,
    /// The step after the prefix.
    start: u32,
    steps: Box<[Step]>,
}

#[derive(Debug)]
pub(super) enum Step {
    Byte(u8),
    Set(Arc<ByteSet>),
    Look(Look),
    Jump(u32),
    /// Continues with the step after this one and also with another one.
    Fork(u32),
    Match,
}

/// The scratch memory of a run, kept for the next run.
#[derive(Debug, Default)]
pub(super) struct Threads {
    here: StepSet,
    next: StepSet,
    pending: Vec<u32>,
}

/// A set of step numbers in the order of insertion. Clearing it does not touch `places`.
#[derive(Debug, Default)]
struct StepSet {
    steps: Vec<u32>,
    places: Vec<u32>,
    /// The number of insertions so far. The time of a match is proportional to it.
    #[cfg(test)]
    inserted: usize,
}

/// The program would have too many steps.
pub(super) struct TooLarge;

impl Program {
    pub(super) fn new(pattern: &Ast) -> Result<Self, TooLarge> {
        let mut compiler = Compiler { steps: Vec::new() };
        compiler.add(pattern)?;
        compiler.step(Step::Match)?;
        let literal = |step: &Step| {
            if let Step::Byte(byte) = step {
                Some(*byte)
            } else {
                None
            }
        };
        // A leading `^` always holds, since every match begins at the start of the value.
        let carets = compiler
            .steps
            .iter()
            .take_while(|step| matches!(step, Step::Look(Look::Start)))
            .count();
        let prefix: Box<[u8]> = compiler
            .steps
            .iter()
            .skip(carets)
            .map_while(literal)
            .collect();
        let start = u32::try_from(carets + prefix.len()).map_err(|_| TooLarge)?;
        Ok(Self {
            prefix,
            start,
            steps: compiler.steps.into(),
        })
    }

    /// The number of its steps.
    pub(super) fn size(&self) -> usize {
        self.steps.len()
    }

    /// The bytes that every matching value begins with.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    pub(super) fn matches(&self, value: &[u8], threads: &mut Threads) -> bool {
        let Some(rest) = value.strip_prefix(&*self.prefix) else {
            return false;
        };
        threads.here.clear(self.steps.len());
        let mut before = self.prefix.last().copied();
        self.follow(
            self.start,
            before,
            rest.first().copied(),
            &mut threads.here,
            &mut threads.pending,
        );
        for (place, byte) in rest.iter().enumerate() {
            if threads.here.steps.is_empty() {
                return false;
            }
            before = Some(*byte);
            let after = rest.get(place + 1).copied();
            threads.next.clear(self.steps.len());
            for step in &threads.here.steps {
                if self.takes(*step, *byte) {
                    self.follow(
                        step + 1,
                        before,
                        after,
                        &mut threads.next,
                        &mut threads.pending,
                    );
                }
            }
            std::mem::swap(&mut threads.here, &mut threads.next);
        }
        threads
            .here
            .steps
            .iter()
            .any(|step| matches!(self.step(*step), Some(Step::Match)))
    }

    /// The step after the prefix.
    #[cfg(any(test, not(feature = "proxy")))]
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    pub(super) fn step(&self, number: u32) -> Option<&Step> {
        self.steps.get(number as usize)
    }

    fn takes(&self, step: u32, byte: u8) -> bool {
        match self.step(step) {
            Some(Step::Byte(wanted)) => *wanted == byte,
            Some(Step::Set(set)) => set.has(byte),
            _ => false,
        }
    }

    /// Adds the step and all steps that it leads to without consuming a byte.
    fn follow(
        &self,
        step: u32,
        before: Option<u8>,
        after: Option<u8>,
        into: &mut StepSet,
        pending: &mut Vec<u32>,
    ) {
        pending.push(step);
        while let Some(number) = pending.pop() {
            let Some(step) = self.step(number) else {
                continue;
            };
            if !into.insert(number) {
                continue;
            }
            match step {
                Step::Jump(to) => pending.push(*to),
                Step::Fork(other) => pending.extend([number + 1, *other]),
                Step::Look(look) if look.holds(before, after) => pending.push(number + 1),
                Step::Look(_) | Step::Byte(_) | Step::Set(_) | Step::Match => {}
            }
        }
    }
}

impl Look {
    fn holds(self, before: Option<u8>, after: Option<u8>) -> bool {
        let boundary = before.is_some_and(is_word) != after.is_some_and(is_word);
        match self {
            Self::Start => before.is_none(),
            Self::End => after.is_none(),
            Self::LineStart => before.is_none_or(|byte| byte == b'\n'),
            Self::LineEnd => after.is_none_or(|byte| byte == b'\n'),
            Self::WordBoundary => boundary,
            Self::NoWordBoundary => !boundary,
        }
    }
}

impl StepSet {
    fn clear(&mut self, steps: usize) {
        self.steps.clear();
        if self.places.len() < steps {
            self.places.resize(steps, 0);
        }
    }

    /// Adds a step and returns whether it is new. A place may be stale, so it counts only if the list agrees.
    fn insert(&mut self, step: u32) -> bool {
        let Some(place) = self.places.get_mut(step as usize) else {
            return false;
        };
        if self.steps.get(*place as usize) == Some(&step) {
            return false;
        }
        *place = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(step);
        #[cfg(test)]
        (self.inserted += 1);
        true
    }
}

struct Compiler {
    steps: Vec<Step>,
}

impl Compiler {
    fn add(&mut self, pattern: &Ast) -> Result<(), TooLarge> {
        match pattern {
            Ast::Byte(byte) => self.step(Step::Byte(*byte)).map(drop),
            Ast::Set(set) => self.step(Step::Set(Arc::clone(set))).map(drop),
            Ast::Look(look) => self.step(Step::Look(*look)).map(drop),
            Ast::Concat(parts) => parts.iter().try_for_each(|part| self.add(part)),
            Ast::Alternatives(branches) => self.alternatives(branches),
            Ast::Repeat { min, max, of } => self.repeat(*min, *max, of),
        }
    }

    fn alternatives(&mut self, branches: &[Ast]) -> Result<(), TooLarge> {
        let Some((last, others)) = branches.split_last() else {
            return Ok(());
        };
        let mut ends = Vec::new();
        for branch in others {
            let fork = self.step(Step::Jump(0))?;
            self.add(branch)?;
            ends.push(self.step(Step::Jump(0))?);
            self.set(fork, Step::Fork(self.next()));
        }
        self.add(last)?;
        for end in ends {
            self.set(end, Step::Jump(self.next()));
        }
        Ok(())
    }

    fn repeat(&mut self, min: u32, max: Option<u32>, of: &Ast) -> Result<(), TooLarge> {
        for _ in 0..min {
            self.add(of)?;
        }
        let Some(max) = max else {
            let fork = self.step(Step::Jump(0))?;
            self.add(of)?;
            self.step(Step::Jump(fork))?;
            self.set(fork, Step::Fork(self.next()));
            return Ok(());
        };
        let mut forks = Vec::new();
        for _ in min..max {
            forks.push(self.step(Step::Jump(0))?);
            self.add(of)?;
        }
        for fork in forks {
            self.set(fork, Step::Fork(self.next()));
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<u32, TooLarge> {
        if self.steps.len() >= MOST_STEPS {
            return Err(TooLarge);
        }
        self.steps.push(step);
        Ok(self.next() - 1)
    }

    fn next(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    fn set(&mut self, number: u32, step: Step) {
        if let Some(slot) = self.steps.get_mut(number as usize) {
            *slot = step;
        }
    }
}

#[cfg(test)]
impl Program {
    /// The number of byte sets in memory.
    pub(super) fn sets(&self) -> usize {
        let set = |step: &Step| {
            if let Step::Set(set) = step {
                Some(Arc::as_ptr(set))
            } else {
                None
            }
        };
        self.steps
            .iter()
            .filter_map(set)
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    }

    /// The number of steps that were entered to match this value, and the number that the program has.
    pub(super) fn work(&self, value: &[u8]) -> (usize, usize) {
        let mut threads = Threads::default();
        self.matches(value, &mut threads);
        (
            threads.here.inserted + threads.next.inserted,
            self.steps.len(),
        )
    }
}
