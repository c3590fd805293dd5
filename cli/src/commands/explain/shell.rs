//! A line of a shell as words. `shlex` does what POSIX says; `$'...'`, which browsers write when they copy a request as a
//! curl command, comes from bash.

use std::iter::Peekable;
use std::str::Chars;

/// The words of the line; `None` if a quotation does not end.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    shlex::split(&posix(line)?)
}

/// The line without what shlex does not know: `$'...'` becomes the same text in other quotes.
fn posix(line: &str) -> Option<String> {
    let mut plain = String::with_capacity(line.len());
    let mut quote = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '$') if rest.next_if_eq(&'\'').is_some() => {
                plain.push_str(&shlex::try_quote(&ansi_c(&mut rest)?).ok()?);
                continue;
            }
            (None | Some('"'), '\\') => {
                // A line that goes on; shlex would make a word of it.
                if rest.next_if_eq(&'\n').is_some() {
                    continue;
                }
                plain.push(c);
                plain.extend(rest.next());
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        plain.push(c);
    }
    Some(plain)
}

/// Reads up to the closing quote (bash, "ANSI-C Quoting"). An escape that bash does not know stays as it is.
fn ansi_c(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            '\'' => return Some(text),
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'x' => text.push(number(rest, 16, 2)?),
                'u' => text.push(number(rest, 16, 4)?),
                'U' => text.push(number(rest, 16, 8)?),
                c @ ('\\' | '\'' | '"' | '?') => text.push(c),
                other => text.extend(['\\', other]),
            },
            c => text.push(c),
        }
    }
}

/// A character by its number, of at most this many digits.
fn number(rest: &mut Peekable<Chars<'_>>, base: u32, digits: usize) -> Option<char> {
    let mut value = 0;
    for _ in 0..digits {
        let Some(digit) = rest.next_if(|c| c.is_digit(base)) else {
            break;
        };
        value = value * base + digit.to_digit(base)?;
    }
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_bash_splits_it() {
        for (line, wanted) in [
            ("a  b", &["a", "b"][..]),
            ("'a b' \"c d\" e\\ f", &["a b", "c d", "e f"]),
            ("a \\\n  b", &["a", "b"]),
            (r"$'a\'b' c", &["a'b", "c"]),
            (r"x=$'\u0021\x41\n\\'y", &["x=!A\n\\y"]),
            (r#""$'a'" '$'"#, &["$'a'", "$"]),
            (r#"'a'\''b' "a\"b""#, &["a'b", "a\"b"]),
            ("$ a$b", &["$", "a$b"]),
            ("''", &[""]),
        ] {
            assert_eq!(words(line).unwrap(), wanted, "{line}");
        }
        for line in ["'a", "\"a", "$'a", r"$'a\'"] {
            assert_eq!(words(line), None, "{line}");
        }
    }
}
