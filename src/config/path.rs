//! Where in a configuration something is: `http[0].route[1].weight`.

use std::borrow::Cow;
use std::fmt;

/// One step into a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into the member of an object that has this name.
    Field(Cow<'static, str>),
    /// Into the item of a list that has this index, from 0.
    Item(usize),
}

/// The steps from the whole configuration to a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// From the inside out: the callers of whatever finds a fault add their steps one after the other.
    steps: Vec<Step>,
}

impl Path {
    /// The steps, from the outside in; none of them stands for the whole configuration.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &Step> {
        self.steps.iter().rev()
    }

    /// Whether the other path names this part or one around it.
    pub(crate) fn begins_with(&self, other: &Self) -> bool {
        self.steps.ends_with(&other.steps)
    }

    /// Puts a step in front of the path.
    pub(crate) fn begin_with(&mut self, step: Step) {
        self.steps.push(step);
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps().enumerate() {
            match step {
                Step::Field(name) if number == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl From<&'static str> for Step {
    fn from(field: &'static str) -> Self {
        Self::Field(Cow::Borrowed(field))
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Item(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_grows_from_the_inside_out_and_reads_from_the_outside_in() {
        let mut path = Path::default();
        assert_eq!(path.to_string(), "");
        for step in ["weight".into(), 1.into(), "route".into(), Step::Item(0)] {
            path.begin_with(step);
        }
        assert_eq!(path.to_string(), "[0].route[1].weight");
        path.begin_with("http".into());
        assert_eq!(path.to_string(), "http[0].route[1].weight");
        assert_eq!(path.steps().next(), Some(&Step::from("http")));
    }

    #[test]
    fn a_name_with_dots_is_one_step() {
        let mut path = Path::default();
        path.begin_with(Step::Field("x.y[0]".to_owned().into()));
        path.begin_with("headers".into());
        assert_eq!(
            (path.to_string().as_str(), path.steps().len()),
            ("headers.x.y[0]", 2)
        );
    }
}
