//! Codec configuration records and stream headers, parsed without ffprobe.
//!
//! One file per codec. The names of profiles and pixel formats are ffmpeg's. All parsers return
//! `None` instead of guessing; the caller then runs ffprobe.

pub(in crate::media) mod aac;
pub(in crate::media) mod ac3;
pub(in crate::media) mod adts;
pub(in crate::media) mod audio_frames;
pub(in crate::media) mod av1;
pub(in crate::media) mod avchd_metadata;
mod bits;
pub(in crate::media) mod dnxhd;
pub(in crate::media) mod dv;
pub(in crate::media) mod h264;
mod h264_config;
mod h264_first_picture;
mod h264_idr;
mod h264_parameter_sets;
mod h264_sequence;
pub(in crate::media) mod hevc;
pub(in crate::media) mod jpeg;
pub(in crate::media) mod mpeg2;
pub(in crate::media) mod mpeg4;
pub(in crate::media) mod mpeg_audio;
pub(in crate::media) mod nal_units;
mod picture;
pub(in crate::media) mod prores;
pub(in crate::media) mod vp8;
pub(in crate::media) mod vp9;
pub(in crate::media) mod xiph;

pub(in crate::media) use picture::{CodedPicture, ContainerPicture};

#[cfg(test)]
pub(in crate::media) mod tests;

/// Version of these parsers, which several readers use. Increase it when one gives other values.
pub(super) const VERSION: u32 = 1;
