//! Error pages: what they say for each status (Swift wire reference section 1).

use http::StatusCode;

/// The page that belongs to a status.
pub(super) fn page(status: StatusCode) -> String {
    let (reason, sentence) = (reason(status), sentence(status));
    format!("<html><h1>{reason}</h1><p>{sentence}</p></html>")
}

/// The reason phrase of a status, as Swift has it.
pub(super) fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        413 => "Request Entity Too Large",
        416 => "Requested Range Not Satisfiable",
        499 => "Client Disconnect",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

/// Reason and sentence of a status, each on a line: a page as reports have it.
pub(super) fn lines(status: StatusCode) -> String {
    [reason(status), sentence(status)].join("\n")
}

fn sentence(status: StatusCode) -> &'static str {
    match status.as_u16() {
        202 => "The request is accepted for processing.",
        400 => {
            "The server could not comply with the request since it is either malformed or otherwise incorrect."
        }
        401 => {
            "This server could not verify that you are authorized to access the document you requested."
        }
        403 => "Access was denied to this resource.",
        404 => "The resource could not be found.",
        405 => "The method is not allowed for this resource.",
        406 => "The resource is not available in a format acceptable to your browser.",
        408 => "The server has waited too long for the request to be sent by the client.",
        409 => "There was a conflict when trying to complete your request.",
        411 => "Content-Length header required.",
        412 => "A precondition for this request was not met.",
        413 => "The body of your request was too large for this server.",
        416 => "The Range requested is not available.",
        422 => "Unable to process the contained instructions",
        499 => "The client was disconnected during request.",
        501 => "The requested method is not implemented by this server.",
        503 => "The server is currently unavailable. Please try again at a later time.",
        _ => "The server has either erred or is incapable of performing the requested operation.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_reason_and_the_sentence_of_its_status() {
        assert_eq!(
            page(StatusCode::NOT_FOUND),
            "<html><h1>Not Found</h1><p>The resource could not be found.</p></html>"
        );
        assert_eq!(
            page(StatusCode::RANGE_NOT_SATISFIABLE),
            "<html><h1>Requested Range Not Satisfiable</h1><p>The Range requested is not available.</p></html>"
        );
    }
}
