//! Arguments of `btsindex search`, `browse` and `stats`.

use clap::Args;
use clap::builder::TypedValueParser;

use super::author::AuthorArgs;

/// Query forms and their meaning, for `--help`.
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
        "Queries that need no shell quoting:\n{}\n\nis: {states}.\n\
         Also supported, quoted for the shell: \"a phrase\", word*, a OR b, -word,\n\
         ( ), size:>10GB, rating:>=4. `btsindex fields` lists the fields; see docs/query.md.",
        lines.collect::<Vec<_>>().join("\n")
    )
}

/// Find clips by words and fields
///
/// All words must match somewhere in a clip's name, folders, tags, camera, title, notes or comment.
/// Case, accents and English endings are ignored, and parts of names match (`day2` finds `Day_2`,
/// `interview` finds `BTSInterview`). Matches in tags and names rank above matches in folders and
/// comments; selected and rated clips come first, rejected clips last. Without words, lists every clip.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command"
)]
#[derive(Debug, Args)]
#[command(after_help = forms())]
pub(crate) struct SearchArgs {
    /// Words and filters such as camera:fx3
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Show at most N clips, 0 for all [default: 50; all with --json, --csv, --paths, -0]
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Sort by fields; a dash before a field reverses its order: captured,-duration
    /// [default: relevance]
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,

    /// Group by day, camera, volume, folder or another facet
    #[arg(long, value_name = "FACET", conflicts_with_all = ["json", "csv", "paths", "null"])]
    pub(crate) group: Option<String>,

    /// Columns to show: any fields, and shot, length, picture, camera, folder, where, match
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', conflicts_with_all = ["json", "paths", "null"])]
    pub(crate) columns: Vec<String>,

    /// Print the parsed query and the number of clips that match each part
    #[arg(long, conflicts_with_all = ["json", "csv", "paths", "null"])]
    pub(crate) explain: bool,

    /// Print only the number of matching clips
    #[arg(long, conflicts_with_all = ["explain", "csv", "paths", "null"])]
    pub(crate) count: bool,

    /// Count the matches by tag, camera, day, volume, folder or other facets: tag,camera
    #[arg(long, value_name = "FACETS", value_delimiter = ',', conflicts_with_all = ["explain", "count", "csv", "paths", "null"])]
    pub(crate) facets: Vec<String>,

    /// Print one JSON object per line
    #[arg(long, conflicts_with_all = ["paths", "null"])]
    pub(crate) json: bool,

    /// Print CSV (RFC 4180) with a header; values that a spreadsheet would run as a formula are prefixed with '
    #[arg(long, conflicts_with_all = ["paths", "null", "json"])]
    pub(crate) csv: bool,

    /// Print paths, one per clip
    #[arg(long)]
    pub(crate) paths: bool,

    /// Print paths separated by NUL, for xargs -0
    #[arg(long, short = '0')]
    pub(crate) null: bool,

    /// Print the paths of all copies that are not missing
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub(crate) all_files: bool,

    /// Save this search; use it later as saved:NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) save: Option<String>,

    /// List saved searches
    #[arg(long, conflicts_with_all = OTHER_OUTPUT, conflicts_with_all = ["words", "save", "columns", "thumbs", "open", "reveal"])]
    pub(crate) saved: bool,

    /// Delete a saved search
    #[arg(long, value_name = "NAME", conflicts_with_all = ["words", "save", "saved"])]
    pub(crate) forget: Option<String>,

    /// Show each clip with its poster in the terminal
    #[arg(long, conflicts_with = "json", conflicts_with_all = OTHER_OUTPUT)]
    pub(crate) thumbs: bool,

    /// Open the Nth match in its player
    #[arg(long, value_name = "N", value_parser = counted_from_1(), conflicts_with = "json", conflicts_with_all = OTHER_OUTPUT)]
    pub(crate) open: Option<usize>,

    /// Show the Nth match in the file manager
    #[arg(long, value_name = "N", value_parser = counted_from_1(), conflicts_with = "json", conflicts_with_all = OTHER_OUTPUT, conflicts_with_all = ["open", "thumbs"])]
    pub(crate) reveal: Option<usize>,
}

/// Flags of `search` that replace the table; without `--json`, which lists of saved searches accept
/// as well.
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

/// Search, view and rate clips on one screen
///
/// Results update as you type. Tab moves to the counts on the left, where Enter adds a filter to the
/// query. In the list: space selects, x rejects, digits rate, t tags, n adds a note, u undoes, Enter
/// shows the clip, o opens it in its player, ? lists all keys. Edits are stored as with
/// `btsindex tag`, `note`, `stars`, `select` and `reject`.
#[derive(Debug, Args)]
pub(crate) struct BrowseArgs {
    /// Initial query, as for `btsindex search`
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) by: AuthorArgs,
}

/// Show number, duration and size of clips by camera, day, tag and volume
///
/// Covers all clips, or the matches of a query. Each clip counts once, whatever the number of copies;
/// by tag, it counts under each of its tags.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Words and filters such as camera:fx3, as for `btsindex search`
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,

    /// Facets to count by
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

    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `search`, `stats` and `browse` that take a value.
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

/// Rewrites excluded words such as `-interview`, which clap would parse as flags, to `not:interview`.
///
/// Applies to `search`, `stats` and `browse`. Real flags are unchanged: `-0`, `-n`, `-n20`, `-h`, `-V`,
/// and everything with two dashes.
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
    fn every_option_with_a_value_is_listed() {
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
    fn a_dash_before_a_word_excludes_it() {
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
