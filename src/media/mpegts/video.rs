//! Video of a transport stream, read from its first access unit.

use super::picture_rate::PictureRate;
use super::streams::ScannedStream;
use crate::media::bitstream::avchd_metadata::{self, AvchdMetadata};
use crate::media::bitstream::h264::{self, StreamStart};
use crate::media::bitstream::{ContainerPicture, nal_units};
use crate::media::header::{Stream, normalize_tags};

/// H.264 video stream, described by its first access unit.
pub(super) struct TransportVideo {
    start: StreamStart,
    /// Decoder configuration (`avcC`).
    pub configuration: Vec<u8>,
    pub rate: PictureRate,
    /// Camera metadata in the first picture.
    camera_metadata: AvchdMetadata,
}

impl TransportVideo {
    /// Parses the first access unit; `None` if it is not a keyframe or not supported.
    pub(super) fn parse(scanned: &ScannedStream) -> Option<Self> {
        let access_unit = scanned.first_packet();
        let begins_with_start_code =
            access_unit.starts_with(&[0, 0, 1]) || access_unit.starts_with(&[0, 0, 0, 1]);
        let configuration =
            nal_units::build_avcc(access_unit).filter(|_| begins_with_start_code)?;
        let start =
            h264::parse_stream_start(&configuration, &nal_units::to_length_prefixed(access_unit))?;
        Some(Self {
            rate: PictureRate::from_stream_start(&start).filter(|_| start.is_intra)?,
            camera_metadata: avchd_metadata::read_metadata(access_unit),
            start,
            configuration,
        })
    }

    /// Returns the width and height in pixels.
    pub(super) fn size(&self) -> Option<(u32, u32)> {
        let coded = &self.start.coded;
        coded.width.zip(coded.height)
    }

    /// Converts the video to a stream.
    pub(super) fn stream(&self) -> Stream {
        let coded = self
            .start
            .coded
            .clone()
            .merge_container(&ContainerPicture::default());
        let camera_tags = [
            ("creation_time", self.camera_metadata.recorded_at.clone()),
            ("make", self.camera_metadata.make.map(str::to_owned)),
        ];
        let tags = camera_tags
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Stream {
            finest_rate: Some(self.rate.pictures),
            average_rate: self.rate.frames(),
            tags: normalize_tags(tags),
            ..Stream::from_picture("h264", coded)
        }
    }
}
