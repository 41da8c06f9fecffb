//! Conversion of a day file to facts for the clips of one card.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::clip::{Clip, Fact, Source};
use crate::error::Error;
use crate::offload::Listing;
use crate::shoot_day::{Day, DayCard, shoot_date};
use crate::tag::Vocabulary;
use crate::value::{TagOrigin, Tagged, Tags};

/// Returns the name of the shoot day as a source of facts: its date.
pub(super) fn source_name(date: Date) -> String {
    date.to_string()
}

/// Returns the facts for the clips of a card, with the shoot day as their source.
///
/// # Errors
/// Returns an error if a word matches several tags.
pub(super) fn from_day(
    day: &Day,
    card: &DayCard,
    date: Date,
    vocabulary: &Vocabulary,
) -> Result<Clip, Error> {
    let name = source_name(date);
    let source = || Source::ingest(&name);
    let fact = |text: Option<String>| text.map(|text| Fact::new(text, source()));
    let mut tags = Vec::new();
    for word in day.kind.iter().chain(&day.tags).chain(&card.tags) {
        tags.push(Tagged {
            tag: vocabulary.resolve(word)?,
            origin: TagOrigin::Ingest {
                ingest: name.clone(),
            },
        });
    }
    let tags: Tags = tags.into_iter().collect();
    Ok(Clip {
        production: fact(day.production.clone()),
        shoot_date: fact(Some(name.clone())),
        shoot_day: day.number.map(|number| Fact::new(number, source())),
        location: fact(card.location.clone().or_else(|| day.location.clone())),
        crew: fact(day.crew_text()),
        camera_letter: fact(card.camera.clone()),
        clock: card.clock.map(|clock| Fact::new(clock, source())),
        tags: (!tags.is_empty()).then(|| Fact::new(tags, source())),
        ..Clip::default()
    })
}

/// Returns the first and last shoot date of a card, from the modification times of its files in the
/// local time zone. `None` if no time is plausible.
pub(super) fn shoot_dates(listing: &Listing, card: &DayCard, starts: Time) -> Option<(Date, Date)> {
    let zone = TimeZone::system();
    let dates = listing.files.iter().filter_map(|file| {
        let instant = jiff::Timestamp::from_nanosecond(i128::from(file.modified)).ok()?;
        let civil = zone.to_datetime(instant);
        let civil = card
            .clock
            .map_or(Some(civil), |clock| clock.shifted(civil))?;
        // A clock that was never set shows 1980 or earlier.
        (civil.year() > 1980).then(|| shoot_date(civil, starts))
    });
    let (mut first, mut last): (Option<Date>, Option<Date>) = (None, None);
    for date in dates {
        first = Some(first.map_or(date, |first| first.min(date)));
        last = Some(last.map_or(date, |last| last.max(date)));
    }
    first.zip(last)
}
