//! Errors in reading and writing XMP sidecars.

/// Error in reading or writing an XMP sidecar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmpError {
    /// The file is larger than the limit.
    #[error("larger than {max} bytes")]
    TooLarge {
        /// Size limit in bytes.
        max: usize,
    },
    /// The bytes are not valid text in a supported encoding.
    #[error("neither UTF-8 nor UTF-16")]
    Encoding,
    /// The file is not well-formed XML, or contains markup that a sidecar must not have.
    #[error("line {line}: {reason}")]
    Malformed {
        /// One-based line number.
        line: usize,
        /// Description of the error.
        reason: String,
    },
    /// The file is well-formed XML, but has no RDF.
    #[error("no `rdf:RDF` element")]
    NoRdf,
    /// A property that should receive items is neither a list nor a text.
    #[error("`{property}` is not a list")]
    NotAList {
        /// Name of the property with its usual prefix.
        property: &'static str,
    },
}
