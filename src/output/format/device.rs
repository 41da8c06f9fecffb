//! Properties of the device that receives the output.

/// Properties of the output that a format may depend on.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputDevice {
    /// True if control characters must be escaped.
    pub is_terminal: bool,
    /// Width in characters, if limited.
    pub width: Option<usize>,
}
