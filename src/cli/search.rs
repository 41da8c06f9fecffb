//! What can be typed after `search` and `stats`.

use clap::Args;
use clap::builder::TypedValueParser;

use super::By;

/// The forms of a query, for help: each with what it finds.
pub(crate) fn forms() -> String {
    let widest = btsindex::query::FORMS
        .iter()
        .map(|(form, ..)| form.len())
        .max()
        .unwrap_or(0);
    let lines = btsindex::query::FORMS
        .iter()
        .map(|(form, _, help)| format!("  {form:widest$}  {help}"));
    let states = btsindex::query::ClipState::NAMES.join(", ");
    format!(
        "Queries, as any shell takes them:\n{}\n\nis: {states}.\n\
         Also understood where the shell lets them through: \"a phrase\", word*, a OR b, -word,\n\
         ( ), size:>10GB, rating:>=4. `btsindex fields` lists the fields; docs/query.md tells more.",
        lines.collect::<Vec<_>>().join("\n")
    )
}

/// Find clips by words and fields
///
/// All words must match, somewhere in a clip's name, folders, tags, camera, title, notes or
/// comment; accents and capitals do not matter, English endings neither, and names are found
/// by their parts (`day2` finds `Day_2`, `interview` finds `BTSInterview`). What is found in a
/// tag or a name comes before what is found in a folder or a comment; selected and rated clips
/// come first, rejected ones last. Without words, every clip.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that can be typed"
)]
#[derive(Debug, Args)]
#[command(after_help = forms())]
pub(crate) struct Search {
    /// Words, and filters such as camera:fx3
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Show at most N clips, 0 for all [default: 50; all with --json, --csv, --paths, -0]
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Sort by fields, with a dash the largest or latest first: captured,-duration
    /// [default: relevance]
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,

    /// Put clips of one kind together: day, camera, volume, folder or any other facet
    #[arg(long, value_name = "FACET", conflicts_with_all = ["json", "csv", "paths", "null"])]
    pub(crate) group: Option<String>,

    /// Show these columns: any fields, and shot, length, picture, camera, folder, where, match
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', conflicts_with_all = ["json", "paths", "null"])]
    pub(crate) columns: Vec<String>,

    /// Print how the query is understood, and how many clips match each part of it
    #[arg(long, conflicts_with_all = ["json", "csv", "paths", "null"])]
    pub(crate) explain: bool,

    /// Print only how many clips match
    #[arg(long, conflicts_with_all = ["explain", "csv", "paths", "null"])]
    pub(crate) count: bool,

    /// Count what is found by tag, camera, day, volume, folder or other facets: tag,camera
    #[arg(long, value_name = "FACETS", value_delimiter = ',', conflicts_with_all = ["explain", "count", "csv", "paths", "null"])]
    pub(crate) facets: Vec<String>,

    /// Print each clip as JSON, an object a line
    #[arg(long, conflicts_with_all = ["paths", "null"])]
    pub(crate) json: bool,

    /// Print clips as CSV (RFC 4180), with a heading; what a spreadsheet would work out has a ' before it
    #[arg(long, conflicts_with_all = ["paths", "null", "json"])]
    pub(crate) csv: bool,

    /// Print only paths, one a clip
    #[arg(long)]
    pub(crate) paths: bool,

    /// Print only paths, each ended by a zero byte: safe for xargs -0
    #[arg(long, short = '0')]
    pub(crate) null: bool,

    /// Print the paths of all copies, missing ones left out
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub(crate) all_files: bool,

    /// Keep this search under a name: find it again with saved:NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) save: Option<String>,

    /// List the saved searches
    #[arg(long, conflicts_with_all = OTHER_OUTPUT, conflicts_with_all = ["words", "save", "columns", "thumbs", "open", "reveal"])]
    pub(crate) saved: bool,

    /// Forget the saved search of that name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["words", "save", "saved"])]
    pub(crate) forget: Option<String>,

    /// Show each clip with its poster, on a terminal
    #[arg(long, conflicts_with = "json", conflicts_with_all = OTHER_OUTPUT)]
    pub(crate) thumbs: bool,

    /// Open the Nth clip found in its player
    #[arg(long, value_name = "N", value_parser = counted_from_1(), conflicts_with = "json", conflicts_with_all = OTHER_OUTPUT)]
    pub(crate) open: Option<usize>,

    /// Show the Nth clip found in the file manager
    #[arg(long, value_name = "N", value_parser = counted_from_1(), conflicts_with = "json", conflicts_with_all = OTHER_OUTPUT, conflicts_with_all = ["open", "thumbs"])]
    pub(crate) reveal: Option<usize>,
}

/// Flags of `search` that print something other than a row a clip for people; `--json` apart,
/// which lists take too.
const OTHER_OUTPUT: [&str; 8] = [
    "csv",
    "paths",
    "null",
    "all_files",
    "group",
    "explain",
    "count",
    "facets",
];

fn counted_from_1() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32)
        .range(1..)
        .map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// Search, look and judge on one screen
///
/// Results follow what is typed. Tab goes to the counts on the left, Enter there adds one to the
/// query. Among the clips: space selects, x rejects, digits give stars, t tags, n notes, u takes
/// back, Enter shows all that is known, o opens the clip in its player, ? lists every key.
/// What is said is kept as by `btsindex tag`, `note`, `stars`, `select` and `reject`.
#[derive(Debug, Args)]
pub(crate) struct Browse {
    /// What is asked for at first, as `btsindex search` understands it
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) by: By,
}

/// Show how many clips there are, how long and how large, by camera, day, tag and volume
///
/// Of all clips, or of those that a query finds. A clip is counted once, however many copies
/// there are; by tag it is counted under each of its tags.
#[derive(Debug, Args)]
pub(crate) struct Stats {
    /// Words, and filters such as camera:fx3: as for `btsindex search`
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// What to count by: any facets
    #[arg(
        long,
        value_name = "FACETS",
        value_delimiter = ',',
        default_value = "camera,day,tag,volume"
    )]
    pub(crate) by: Vec<String>,

    /// Show at most N values of each, 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 12)]
    pub(crate) limit: usize,

    /// Print an object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options that the next argument belongs to.
const VALUED: &[&str] = &[
    "--author",
    "--by",
    "--catalogue",
    "--columns",
    "--facets",
    "--forget",
    "--group",
    "--limit",
    "--open",
    "--reveal",
    "--save",
    "--sort",
    "-n",
];

/// Words that begin with a dash say what must not be there: to clap they would be flags.
///
/// `-interview` becomes `not:interview` after `search`, `stats` and `browse`; flags stay: `-0`,
/// `-n`, `-n20`, `-h`, `-V`, and whatever has two dashes.
pub(crate) fn negations(
    arguments: impl Iterator<Item = std::ffi::OsString>,
) -> Vec<std::ffi::OsString> {
    let mut is_query = false;
    let mut is_value = false;
    let mut is_plain = false;
    arguments
        .enumerate()
        .map(|(at, argument)| {
            let Some(text) = argument.to_str() else {
                return argument;
            };
            is_query |= at > 0 && matches!(text, "search" | "stats" | "browse");
            is_plain |= text == "--";
            let was_value = std::mem::replace(&mut is_value, VALUED.contains(&text));
            let word = text.strip_prefix('-').unwrap_or_default();
            let mut letters = word.chars();
            let is_flag = match (letters.next(), letters.next()) {
                (Some('n'), Some(next)) => next.is_ascii_digit() || next == '=',
                (Some('0' | '-') | None, _) | (Some('n' | 'h' | 'V'), None) => true,
                _ => false,
            };
            if is_query && !was_value && !is_plain && text.starts_with('-') && !is_flag {
                format!("not:{word}").into()
            } else {
                argument
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_with_a_value_is_known() {
        let program = <crate::cli::Cli as clap::CommandFactory>::command();
        let commands = program
            .get_subcommands()
            .filter(|command| matches!(command.get_name(), "search" | "stats" | "browse"));
        let options = commands
            .flat_map(clap::Command::get_opts)
            .chain(program.get_opts());
        for option in options.filter(|option| option.get_action().takes_values()) {
            let long = option.get_long().map(|name| format!("--{name}"));
            let short = option.get_short().map(|name| format!("-{name}"));
            for name in long.into_iter().chain(short) {
                assert!(VALUED.contains(&name.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn a_dash_before_a_word_is_no_flag() {
        let seen = |line: &str| {
            let words = line.split(' ').map(Into::into);
            let seen = negations(words).into_iter();
            seen.map(|word| word.into_string().unwrap())
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (typed, meant) in [
            ("b search a -b", "b search a not:b"),
            (
                "b search -tag:x -n 3 -n20 -0 --json",
                "b search not:tag:x -n 3 -n20 -0 --json",
            ),
            ("b search -notes:*", "b search not:notes:*"),
            (
                "b search --sort -captured -night",
                "b search --sort -captured not:night",
            ),
            ("b search -n -1 -a", "b search -n -1 not:a"),
            ("b search -- -a", "b search -- -a"),
            ("b scan -j2", "b scan -j2"),
            ("b search -h", "b search -h"),
        ] {
            assert_eq!(seen(typed), meant);
        }
    }
}
