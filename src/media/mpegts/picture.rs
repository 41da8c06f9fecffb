//! The picture of a transport stream, by its first access unit.

use super::pace::Pace;
use super::streams::Heard;
use crate::media::bitstream::camera_messages::{self, Noted};
use crate::media::bitstream::h264::{self, Beginning};
use crate::media::bitstream::{Container, units};
use crate::media::header::{Stream, normalize_tags};

/// A stream of pictures.
pub(super) struct Picture {
    beginning: Beginning,
    /// What its decoder must be told: `avcC`.
    pub configuration: Vec<u8>,
    pub pace: Pace,
    /// What its camera wrote into the first picture.
    noted: Noted,
}

impl Picture {
    /// What a stream begins with; `None` where that is no key, or not understood.
    pub(super) fn of(heard: &Heard) -> Option<Self> {
        let part = heard.first_part();
        let is_at_unit = part.starts_with(&[0, 0, 1]) || part.starts_with(&[0, 0, 0, 1]);
        let configuration = units::avcc(part).filter(|_| is_at_unit)?;
        let beginning = h264::of_stream(&configuration, &units::counted(part))?;
        Some(Self {
            pace: Pace::of(&beginning).filter(|_| beginning.is_intra)?,
            noted: camera_messages::of_picture(part),
            beginning,
            configuration,
        })
    }

    /// Width and height, in pixels.
    pub(super) fn size(&self) -> Option<(u32, u32)> {
        let coded = &self.beginning.coded;
        coded.width.zip(coded.height)
    }

    /// In ffprobe's words.
    pub(super) fn stream(&self) -> Stream {
        let coded = self.beginning.coded.clone().within(&Container::default());
        let told = |name: Option<&'static str>| name.map(str::to_owned);
        let shape = |(wide, high)| format!("{wide}:{high}");
        let noted = [
            ("creation_time", self.noted.shot.clone()),
            ("make", told(self.noted.make)),
        ];
        let written = noted
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Stream {
            codec_type: "video".to_owned(),
            codec_name: Some("h264".to_owned()),
            profile: coded.profile,
            level: coded.level,
            width: coded.width,
            height: coded.height,
            sample_aspect_ratio: coded.sample_aspect_ratio.map(shape),
            pix_fmt: coded.pixel_format,
            bits_per_raw_sample: coded.bits_per_raw_sample.map(|bits| bits.to_string()),
            field_order: told(coded.field_order),
            color_range: told(coded.colour.range),
            color_space: told(coded.colour.matrix),
            color_transfer: told(coded.colour.transfer),
            color_primaries: told(coded.colour.primaries),
            r_frame_rate: self.pace.finest(),
            avg_frame_rate: self.pace.average(),
            tags: normalize_tags(written),
            ..Stream::default()
        }
    }
}
