//! What is said in a clip: subtitles (`SubRip`, `WebVTT`) and plain text of its name beside it.

use crate::clip::{Clip, Fact, Source};

/// Letters that are kept: an hour of talk is about as many.
const MOST: usize = 60_000;

/// Takes the words; numbers of lines, times and marks of how they are shown are left out.
pub(super) fn read(text: &str) -> Clip {
    let text = text.trim_start_matches('\u{feff}');
    let mut said = String::new();
    let mut letters = 0;
    let lines = text.lines().map(str::trim).filter(|line| is_said(line));
    for line in lines {
        let line = without_marks(line);
        // Subtitles that scroll say each line twice.
        if line.is_empty() || said.ends_with(line.as_str()) {
            continue;
        }
        letters += line.chars().count() + 1;
        if letters > MOST {
            break;
        }
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(&line);
    }
    Clip {
        transcript: (!said.is_empty()).then(|| Fact::new(said, Source::TEXT)),
        ..Clip::default()
    }
}

fn is_said(line: &str) -> bool {
    let is_number = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    let is_head = line.starts_with("WEBVTT") || line.starts_with("NOTE ") || line == "STYLE";
    !is_number && !is_head && !line.contains("-->")
}

/// `<i>` and `{\an8}` say how it is shown; control characters say nothing.
fn without_marks(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut until = None;
    for c in line.chars() {
        match (until, c) {
            (None, '<') => until = Some('>'),
            (None, '{') => until = Some('}'),
            (None, c) if c.is_control() => plain.push(' '),
            (None, c) => plain.push(c),
            (Some(end), c) if c == end => until = None,
            _ => {}
        }
    }
    // What is never closed was no mark.
    if until.is_some() {
        return line.chars().filter(|c| !c.is_control()).collect();
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        read(text).transcript.map(|fact| fact.value)
    }

    #[test]
    fn words_are_taken_from_subtitles_and_from_plain_text() {
        let srt = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Was it</i> loud?\r\n\r\n2\r\n00:00:02,000 --> 00:00:04,000\r\n{\\an8}Very.\r\n";
        assert_eq!(said(srt).as_deref(), Some("Was it loud? Very."));
        let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nWas it\n\n00:02.000 --> 00:03.000\nWas it\nloud? 1 < 2\n";
        assert_eq!(said(vtt).as_deref(), Some("Was it loud? 1 < 2"));
        assert_eq!(
            said("Take 3 is the one.\nShe laughs.").as_deref(),
            Some("Take 3 is the one. She laughs.")
        );
        assert_eq!(said("1\n2\n\n"), None);
    }

    #[test]
    fn no_text_is_too_long() {
        let long = said(&"many words \n".repeat(100_000).replace("words", "w")).unwrap_or_default();
        assert!(long.chars().count() <= MOST);
        let lines: Vec<String> = (0..50_000).map(|n| format!("line {n} says")).collect();
        assert!(said(&lines.join("\n")).unwrap().chars().count() <= MOST);
    }
}
