//! Arguments of `btsindex search`, `browse` and `stats`.

use btsindex::error::Error;
use btsindex::output::{FormatNeeds, OutputFormat};
use clap::Args;
use clap::builder::TypedValueParser;

use super::author::AuthorArgs;
use super::format::{FileRows, FormatArgs, Rows};

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

    /// Show at most N clips, 0 for all [default: 50; all in formats for programs]
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Sort by fields; a dash before a field reverses its order: captured,-duration
    /// [default: relevance]
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,

    /// Group by day, camera, volume, folder or another facet
    #[arg(long, value_name = "FACET", group = MODE)]
    group: Option<String>,

    /// Columns to show: any fields, and shot, length, picture, camera, folder, where, match
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,

    /// Print the parsed query and the number of clips that match each part
    #[arg(long, group = MODE)]
    explain: bool,

    /// Print only the number of matching clips
    #[arg(long, group = MODE)]
    count: bool,

    /// Count the matches by tag, camera, day, volume, folder or other facets: tag,camera
    #[arg(long, value_name = "FACETS", value_delimiter = ',', group = MODE)]
    facets: Vec<String>,

    #[command(flatten)]
    format: FormatArgs<FileRows>,

    /// Print the paths of all copies that are not missing
    #[arg(long)]
    pub(crate) all_files: bool,

    /// Save this search; use it later as saved:NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) save: Option<String>,

    /// List saved searches
    #[arg(long, group = MODE, conflicts_with_all = ["words", "save", "columns"])]
    saved: bool,

    /// Delete a saved search
    #[arg(long, value_name = "NAME", group = MODE, conflicts_with_all = ["words", "save"])]
    forget: Option<String>,

    /// Show each clip with its poster in the terminal
    #[arg(long, group = MODE)]
    thumbs: bool,

    /// Open the Nth match in its player
    #[arg(long, value_name = "N", value_parser = counted_from_1(), group = MODE)]
    open: Option<usize>,

    /// Show the Nth match in the file manager
    #[arg(long, value_name = "N", value_parser = counted_from_1(), group = MODE)]
    reveal: Option<usize>,
}

/// Group of the options that choose what a search prints; they exclude each other.
const MODE: &str = "mode";

/// What a search prints.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SearchMode<'a> {
    /// The matches.
    Clips,
    /// The matches, under a heading for each value of a facet.
    Groups(&'a str),
    /// The matches with their posters.
    Posters,
    /// Nothing: opens the Nth match in its player.
    Open(usize),
    /// Nothing: shows the Nth match in the file manager.
    Reveal(usize),
    /// The number of matches.
    Count,
    /// The number of matches by facet.
    Facets(&'a [String]),
    /// The parts of the query and the number of matches of each.
    Explain,
    /// The saved searches.
    Saved,
    /// Nothing: deletes a saved search.
    Forget(&'a str),
}

impl SearchMode<'_> {
    /// Returns the option that selects the mode.
    fn option(self) -> &'static str {
        match self {
            Self::Clips => "search",
            Self::Groups(_) => "--group",
            Self::Posters => "--thumbs",
            Self::Open(_) => "--open",
            Self::Reveal(_) => "--reveal",
            Self::Count => "--count",
            Self::Facets(_) => "--facets",
            Self::Explain => "--explain",
            Self::Saved => "--saved",
            Self::Forget(_) => "--forget",
        }
    }

    /// Returns true if the mode can print the format.
    fn accepts(self, format: OutputFormat) -> bool {
        match self {
            Self::Clips => true,
            Self::Facets(_) | Self::Explain | Self::Saved => format.needs() <= FormatNeeds::Columns,
            Self::Count => format.needs() == FormatNeeds::Rows,
            Self::Groups(_) | Self::Posters | Self::Open(_) | Self::Reveal(_) | Self::Forget(_) => {
                !format.is_for_programs()
            }
        }
    }
}

impl SearchArgs {
    /// Returns what to print, and in which format.
    ///
    /// # Errors
    /// [`Error::Query`] for options that do not apply to each other.
    pub(crate) fn mode_and_format(&self) -> Result<(SearchMode<'_>, OutputFormat), Error> {
        let (mode, format) = (self.mode(), self.format());
        if !mode.accepts(format) {
            return Err(inapplicable(
                &format!("`{}` cannot print {}", mode.option(), format.name()),
                mode.option(),
                |format| mode.accepts(format),
            ));
        }
        if self.all_files && format.needs() != FormatNeeds::Paths {
            return Err(inapplicable(
                &format!("`--all-files` does not apply to {}", format.name()),
                "--all-files",
                |format| format.needs() == FormatNeeds::Paths,
            ));
        }
        if !self.columns.is_empty() && !has_columns(format) {
            return Err(inapplicable(
                &format!("`--columns` does not apply to {}", format.name()),
                "--columns",
                has_columns,
            ));
        }
        Ok((mode, format))
    }

    fn format(&self) -> OutputFormat {
        let default = if self.all_files {
            OutputFormat::Paths
        } else {
            OutputFormat::Table
        };
        self.format.chosen().unwrap_or(default)
    }

    fn mode(&self) -> SearchMode<'_> {
        let options = [
            self.group.as_deref().map(SearchMode::Groups),
            self.thumbs.then_some(SearchMode::Posters),
            self.open.map(SearchMode::Open),
            self.reveal.map(SearchMode::Reveal),
            self.count.then_some(SearchMode::Count),
            (!self.facets.is_empty()).then_some(SearchMode::Facets(&self.facets)),
            self.explain.then_some(SearchMode::Explain),
            self.saved.then_some(SearchMode::Saved),
            self.forget.as_deref().map(SearchMode::Forget),
        ];
        let mode = options.into_iter().flatten().next();
        mode.unwrap_or(SearchMode::Clips)
    }
}

fn has_columns(format: OutputFormat) -> bool {
    format == OutputFormat::Table || format.needs() == FormatNeeds::Columns
}

/// Returns the error for an option that does not apply to the format. The hint lists the formats that
/// it applies to.
fn inapplicable(message: &str, option: &str, accepts: impl Fn(OutputFormat) -> bool) -> Error {
    let all = OutputFormat::ALL.iter().copied();
    let names: Vec<&str> = all
        .filter(|&format| accepts(format))
        .map(OutputFormat::name)
        .collect();
    Error::Query {
        message: message.to_owned(),
        hint: format!("formats of `{option}`: {}", names.join(", ")),
    }
}

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

    #[command(flatten)]
    pub(crate) format: FormatArgs<Rows>,
}

/// Options of `search`, `stats` and `browse` that take a value.
const VALUED: &[&str] = &[
    "--author",
    "--by",
    "--catalogue",
    "--columns",
    "--facets",
    "--forget",
    "--format",
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
