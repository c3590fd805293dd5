//! The part of Markdown that the documentation uses.

use std::fs;
use std::path::PathBuf;

/// One page, in lines that are code or prose.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    parts: Vec<Part>,
}

/// Lines are counted from 1.
enum Part {
    Block(Block),
    Prose(usize, String),
}

/// A fenced block, without the indentation of its fence.
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) info: String,
    pub(crate) text: String,
}

/// A row of a table of mistakes.
pub(crate) struct Refused {
    pub(crate) line: usize,
    pub(crate) place: String,
    pub(crate) members: String,
    pub(crate) reason: String,
}

impl Page {
    pub(crate) fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let (mut parts, mut open) = (Vec::new(), None::<(usize, Block)>);
        for (number, line) in (1..).zip(text.lines()) {
            let fence = line.trim_start().strip_prefix("```");
            open = match (open.take(), fence) {
                (None, Some(info)) => {
                    let indent = line.len() - line.trim_start().len();
                    Some((
                        indent,
                        Block {
                            line: number,
                            info: info.trim().to_owned(),
                            text: String::new(),
                        },
                    ))
                }
                (None, None) => {
                    parts.push(Part::Prose(number, line.to_owned()));
                    None
                }
                (Some((_, block)), Some(_)) => {
                    parts.push(Part::Block(block));
                    None
                }
                (Some((indent, mut block)), None) => {
                    block.text.push_str(line.get(indent..).unwrap_or_default());
                    block.text.push('\n');
                    Some((indent, block))
                }
            };
        }
        assert!(open.is_none(), "{}: a block is not closed", path.display());
        Self { path, parts }
    }

    /// The position, for messages.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.file_name().unwrap().display())
    }

    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.parts.iter().filter_map(|part| match part {
            Part::Block(block) => Some(block),
            Part::Prose(..) => None,
        })
    }

    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Block(_) => None,
            Part::Prose(line, text) => Some((*line, text.as_str())),
        })
    }

    /// The rows of the tables after `<!-- refused: PLACE -->`.
    pub(crate) fn refused(&self) -> Vec<Refused> {
        let (mut rows, mut place) = (Vec::new(), None);
        for (line, text) in self.prose() {
            if let Some(marker) = text.strip_prefix("<!-- refused: ") {
                place = marker.strip_suffix(" -->");
            } else if let (Some(place), true) = (place, text.starts_with("| `")) {
                let cells: Vec<_> = text
                    .trim_matches('|')
                    .split(" | ")
                    .map(|cell| span(cell.trim()))
                    .collect();
                assert_eq!(cells.len(), 2, "{}: two cells", self.at(line));
                let [place, members, reason] = [place, cells[0], cells[1]].map(str::to_owned);
                rows.push(Refused {
                    line,
                    place,
                    members,
                    reason,
                });
            } else if text.is_empty() {
                place = None;
            }
        }
        rows
    }

    /// The links of the page to files of the repository.
    pub(crate) fn links(&self) -> Vec<(usize, String)> {
        let link = |text: &str| text.split_once(')').map(|(link, _)| link.to_owned());
        self.prose()
            .flat_map(|(line, text)| {
                let prose: String = text.split('`').step_by(2).collect::<Vec<_>>().join("``");
                prose
                    .split("](")
                    .skip(1)
                    .filter_map(link)
                    .map(|link| (line, link))
                    .collect::<Vec<_>>()
            })
            .filter(|(_, link)| !link.contains("://"))
            .collect()
    }

    /// The headings as links name them.
    pub(crate) fn headings(&self) -> impl Iterator<Item = String> {
        self.prose()
            .filter(|(_, text)| text.starts_with('#'))
            .map(|(_, text)| {
                let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
                text.trim_start_matches('#')
                    .trim()
                    .to_lowercase()
                    .chars()
                    .filter(kept)
                    .collect::<String>()
                    .replace(' ', "-")
            })
    }

    /// The targets of every `make` in a shell block or in a span of code.
    pub(crate) fn make_targets(&self) -> Vec<(usize, String)> {
        let shell = self.blocks().filter(|block| block.info == "sh");
        let lines = shell.flat_map(|block| block.text.lines().map(|line| (block.line, line)));
        let spans = self
            .prose()
            .flat_map(|(line, text)| code(text).into_iter().map(move |span| (line, span)));
        let target = |text: &str| {
            text.strip_prefix("make ")?
                .split(' ')
                .next()
                .map(str::to_owned)
        };
        lines
            .chain(spans)
            .filter_map(|(line, text)| Some((line, target(text)?)))
            .collect()
    }
}

/// The text of a cell that is one span of code. If it contains backticks, its delimiters are two of them and a space.
fn span(cell: &str) -> &str {
    let inner = |mark: &str, end: &str| cell.strip_prefix(mark)?.strip_suffix(end);
    inner("`` ", " ``")
        .or_else(|| inner("`", "`"))
        .unwrap_or_default()
}

/// The spans of code in a line.
fn code(line: &str) -> Vec<&str> {
    let pieces: Vec<_> = line.split('`').collect();
    let closed = pieces.len() / 2;
    pieces.into_iter().skip(1).step_by(2).take(closed).collect()
}
