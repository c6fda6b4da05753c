//! The proxy set by the usual environment variables.

use ureq::Proxy;

/// The proxy for addresses of a scheme (`http` or `https`), from variables returned by `lookup`: `HTTPS_PROXY` or `HTTP_PROXY`,
/// otherwise `ALL_PROXY`, each also in lower case, which takes precedence. `NO_PROXY` lists hosts without a proxy.
///
/// # Errors
///
/// The variable whose value is not an address.
pub(crate) fn from_variables(
    scheme: &str,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, String> {
    let value = |name: &str| {
        let names = [name.to_ascii_lowercase(), name.to_owned()];
        names
            .into_iter()
            .find_map(|name| lookup(&name).filter(|value| !value.is_empty()).map(|value| (name, value)))
    };
    let own = format!("{}_PROXY", scheme.to_ascii_uppercase());
    let Some((name, address)) = value(&own).or_else(|| value("ALL_PROXY")) else { return Ok(None) };
    let invalid = |error: ureq::Error| format!("{name}={address}: {error}");
    let proxy = Proxy::new(&address).map_err(invalid)?;
    let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(user) = proxy.username() {
        builder = builder.username(user);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    let (_, exceptions) = value("NO_PROXY").unwrap_or_default();
    for host in exceptions.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        builder = builder.no_proxy(host);
        // Other programs treat both `example.org` and `.example.org` as the host and all its subdomains.
        let bare = host.trim_start_matches("*.").trim_start_matches('.');
        builder = builder.no_proxy(bare).no_proxy(&format!(".{bare}"));
    }
    builder.build().map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(scheme: &str, variables: &[(&str, &str)]) -> Result<Option<(String, u16)>, String> {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        from_variables(scheme, lookup).map(|proxy| proxy.map(|proxy| (proxy.host().to_owned(), proxy.port())))
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let both = [("HTTP_PROXY", "http://plain:3128"), ("HTTPS_PROXY", "http://secure:3129")];
        assert_eq!(proxy("http", &both), Ok(Some(("plain".into(), 3128))));
        assert_eq!(proxy("https", &both), Ok(Some(("secure".into(), 3129))));
        assert_eq!(proxy("https", &both[..1]), Ok(None));
        assert_eq!(proxy("https", &[("ALL_PROXY", "host:80")]), Ok(Some(("host".into(), 80))));
        let cases = [("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:2")];
        assert_eq!(proxy("https", &cases), Ok(Some(("lower".into(), 2))));
        assert_eq!(proxy("https", &[("HTTPS_PROXY", "")]), Ok(None));
        assert!(
            proxy("https", &[("HTTPS_PROXY", "http://")]).is_err_and(|it| it.starts_with("HTTPS_PROXY="))
        );
    }

    #[test]
    fn some_hosts_need_none() {
        let lookup = |name: &str| match name {
            "http_proxy" => Some("http://user:secret@proxy:3128".to_owned()),
            "NO_PROXY" => Some("localhost, .example.org".to_owned()),
            _ => None,
        };
        let proxy = from_variables("http", lookup).expect("a proxy").expect("a proxy");
        assert_eq!((proxy.username(), proxy.password()), (Some("user"), Some("secret")));
        let direct = |address: &str| proxy.is_no_proxy(&address.parse().expect("an address"));
        assert!(
            direct("http://localhost/x")
                && direct("http://data.example.org/x")
                && direct("http://example.org/")
        );
        assert!(!direct("http://example.com/x") && !direct("http://notexample.org/x"));
    }
}
