//! Errors of reading and writing XMP sidecars, with their positions.

/// Error of reading or writing an XMP sidecar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmpError {
    /// The file is larger than the limit.
    #[error("larger than {max} bytes")]
    TooLarge {
        /// Size limit in bytes.
        max: usize,
    },
    /// The bytes are not text in a supported encoding.
    #[error("neither UTF-8 nor UTF-16")]
    Encoding,
    /// The file is not well-formed XML, or contains something not allowed in a sidecar.
    #[error("line {line}: {reason}")]
    Malformed {
        /// One-based line number.
        line: usize,
        /// Description of the error.
        reason: String,
    },
    /// The file is XML without RDF.
    #[error("no `rdf:RDF` element")]
    NoRdf,
    /// A property to which items are to be added is neither a list nor a text.
    #[error("`{property}` is not a list")]
    NotAList {
        /// Property with its usual prefix.
        property: &'static str,
    },
}
