//! The provider's error codes: HTTP status and words (support.huaweicloud.com/api-cdn, error codes;
//! API gateway error codes).

use serde_json::{Value, json};

use super::settings::ErrorShape;
use crate::provider::Answer;

/// One error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) name: &'static str,
    status: u16,
    text: &'static str,
}

macro_rules! codes {
    ($($ident:ident = $name:literal $status:literal $text:literal;)*) => {
        impl Code {
            $(pub(super) const $ident: Self = Self { name: $name, status: $status, text: $text };)*

            const ALL: &'static [Self] = &[$(Self::$ident),*];

            pub(super) const NAMES: &'static [&'static str] = &[$($name),*];
        }
    };
}

codes! {
    INTERNAL = "CDN.0000" 500 "Internal error.";
    MALFORMED = "CDN.0001" 400 "The parameter is malformed or missing.";
    UNAUTHENTICATED = "CDN.0002" 401 "Authentication failed.";
    NOT_FOUND = "CDN.0003" 404 "The object does not exist.";
    FORBIDDEN = "CDN.0004" 403 "No permission.";
    UPPER_LIMIT = "CDN.0005" 200 "The upper limit is exceeded.";
    NO_PROJECT = "CDN.0020" 403 "No permission for the enterprise project.";
    DENIED = "CDN.0021" 403 "Fine-grained authorization denied the operation.";
    NO_DOMAIN = "CDN.0105" 200 "The acceleration domain name does not exist.";
    DOMAIN_STATE = "CDN.0106" 200 "This operation is not supported by the domain name in the current state.";
    OTHERS_DOMAIN = "CDN.0108" 200 "The URL domain name is not the acceleration domain name of the current tenant.";
    TOO_MANY = "CDN.0110" 200 "The number of URLs to be preheated or refreshed exceeds the upper limit.";
    NOT_ACTIVATED = "CDN.0114" 200 "CDN has not been activated.";
    BANNED = "CDN.0115" 200 "The domain name has been banned.";
    LOCKED = "CDN.0116" 200 "The domain name has been locked.";
    DOMAIN_FORMAT = "CDN.0127" 200 "The domain name format is incorrect.";
    DOMAIN_DISABLED = "CDN.0145" 200 "The domain name must be enabled.";
    URL_DOMAIN_FORMAT = "CDN.0201" 200 "The domain name in the URL is incorrect.";
    NO_API = "APIGW.0101" 404 "The API does not exist or has not been published in the environment.";
    BACKEND_TIMEOUT = "APIGW.0201" 504 "Backend timeout.";
    BAD_IAM = "APIGW.0301" 401 "Incorrect IAM authentication information.";
    CLOCK_OFF = "APIGW.0303" 401 "Incorrect app authentication information.";
    TOKEN_EXPIRED = "APIGW.0307" 401 "The token must be updated.";
    THROTTLED = "APIGW.0308" 429 "The throttling threshold has been reached: policy user over ratelimit,time:1 second.";
}

impl Code {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name == name)
    }

    /// The answer. The gateway's own have one shape; the service's have the one that is set.
    pub(super) fn answer(self, shape: ErrorShape, request_id: &str) -> Answer {
        let Self { name, status, text } = self;
        let gateway = name.starts_with("APIGW");
        let body: Value = match shape {
            _ if gateway => json!({ "error_code": name, "error_msg": text, "request_id": request_id }),
            ErrorShape::Nested => json!({ "error": { "error_code": name, "error_msg": text } }),
            ErrorShape::Flat => json!({ "error_code": name, "error_msg": text }),
            ErrorShape::Camel => json!({ "errorCode": name, "errorMsg": text }),
            ErrorShape::Plain => json!({ "code": name, "message": text }),
        };
        Answer::json(status, name, &body)
    }
}
