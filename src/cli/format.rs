//! Option `--format` and its short forms, generated from the table of formats.

use std::ffi::OsString;
use std::fmt;
use std::marker::PhantomData;

use btsindex::output::{FormatNeeds, OutputFormat};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, Command, FromArgMatches};

/// Id of the group of all options that select a format, which exclude each other.
pub(crate) const FORMAT: &str = "output-format";

/// Formats that a command accepts.
pub(crate) trait FormatSet {
    /// Description of the JSON, without a verb.
    const JSON: &'static str;

    /// Returns true if the command can print the format.
    fn accepts(format: OutputFormat) -> bool;
}

macro_rules! format_sets {
    ($($(#[doc = $help:literal])+ $set:ident { $json:literal, $accepts:expr })+) => {
        $($(#[doc = $help])+
        #[derive(Debug)]
        pub(crate) struct $set;

        impl FormatSet for $set {
            const JSON: &'static str = $json;

            fn accepts(format: OutputFormat) -> bool {
                let accepts: fn(OutputFormat) -> bool = $accepts;
                accepts(format)
            }
        })+
    };
}

format_sets! {
    /// Listing whose rows have paths.
    FileRows { "one JSON object per line", |_| true }
    /// Listing whose rows have no paths.
    Rows { "one JSON object per line", |format| format.needs() <= FormatNeeds::Columns }
    /// Single object.
    OneObject { "one JSON object", is_for_objects }
    /// Clip with all facts.
    OneClip { "one JSON object, with the source of each fact", is_for_objects }
    /// Events of an operation, and its result.
    Events { "events as JSON, one object per line", is_for_events }
    /// Events of checking a card, its files and the verdict.
    Verdict { "JSON, one object per line: each file, then the verdict", is_for_events }
    /// Result of a rebuild.
    Rebuilt { "one JSON object: clips, posters, seconds", is_for_events }
    /// Results per file.
    PerFile { "one JSON object per file", is_for_events }
    /// Results per clip.
    PerClip { "one JSON object per clip", is_for_events }
    /// Clips of a report, which is a page without a format.
    ReportData {
        "one JSON object: day, totals, cards, anomalies, clips",
        |format| format.is_for_programs() && format.needs() <= FormatNeeds::Columns
    }
}

fn is_for_objects(format: OutputFormat) -> bool {
    format.needs() == FormatNeeds::Rows
}

fn is_for_events(format: OutputFormat) -> bool {
    matches!(format, OutputFormat::Table | OutputFormat::Json)
}

/// Format of a command's output.
pub(crate) struct FormatArgs<S> {
    chosen: Option<OutputFormat>,
    set: PhantomData<S>,
}

impl<S> FormatArgs<S> {
    /// Returns the format, if the user chose one.
    pub(crate) fn chosen(&self) -> Option<OutputFormat> {
        self.chosen
    }

    /// Returns the chosen format; text for people by default.
    pub(crate) fn get(&self) -> OutputFormat {
        self.chosen.unwrap_or(OutputFormat::Table)
    }

    /// Returns true if the output is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.chosen == Some(OutputFormat::Json)
    }
}

impl<S> fmt::Debug for FormatArgs<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chosen.fmt(f)
    }
}

/// Returns the id of the option that is a short form of a format.
fn short_form_id(format: OutputFormat) -> Option<String> {
    let form = format.short_form()?;
    Some(format!("{FORMAT}-{}", form.long))
}

fn accepted<S: FormatSet>() -> impl Iterator<Item = OutputFormat> {
    let all = OutputFormat::ALL.iter().copied();
    all.filter(|&format| S::accepts(format))
}

impl<S: FormatSet> Args for FormatArgs<S> {
    fn augment_args(command: Command) -> Command {
        let describe = |format: OutputFormat| match format {
            OutputFormat::Json => S::JSON,
            other => other.help(),
        };
        let values =
            accepted::<S>().map(|format| PossibleValue::new(format.name()).help(describe(format)));
        let mut command = command.arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .help("Output format")
                .value_parser(PossibleValuesParser::new(values)),
        );
        let mut group = ArgGroup::new(FORMAT).arg("format").multiple(false);
        for format in accepted::<S>() {
            let (Some(form), Some(id)) = (format.short_form(), short_form_id(format)) else {
                continue;
            };
            let mut option = Arg::new(id.clone())
                .long(form.long)
                .action(ArgAction::SetTrue)
                .help(format!("Print {}", describe(format)));
            if let Some(letter) = form.letter {
                option = option.short(letter);
            }
            command = command.arg(option);
            group = group.arg(id);
        }
        command.group(group)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: FormatSet> FromArgMatches for FormatArgs<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let name = matches.get_one::<String>("format");
        let is_chosen = |format: &OutputFormat| {
            let id = short_form_id(*format);
            name.is_some_and(|name| name == format.name())
                || id.is_some_and(|id| matches.get_flag(&id))
        };
        let chosen = accepted::<S>().find(is_chosen);
        Ok(Self {
            chosen,
            set: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Adds the formats of the command to an error about a format that it does not have.
pub(crate) fn with_accepted_formats(
    mut error: clap::Error,
    program: &Command,
    arguments: &[OsString],
) -> clap::Error {
    let unknown = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if error.kind() == ErrorKind::UnknownArgument => option,
        _ => return error,
    };
    let mut forms = OutputFormat::ALL
        .iter()
        .filter_map(|format| format.short_form());
    let is_format = forms.any(|form| {
        let letter = form.letter.map(|letter| format!("-{letter}"));
        *unknown == format!("--{}", form.long) || letter.is_some_and(|letter| *unknown == letter)
    });
    let command = arguments.iter().fold(program, |command, argument| {
        command.find_subcommand(argument).unwrap_or(command)
    });
    let formats = command
        .get_arguments()
        .find(|option| option.get_id() == "format");
    if let Some(formats) = formats.filter(|_| is_format) {
        let values = formats.get_possible_values();
        let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        let tip = format!("formats of `{}`: {}", command.get_name(), names.join(", "));
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}
