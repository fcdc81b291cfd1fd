//! Interned specifications: the user's wishes in little room. Jobs come by the thousand from one list: one folder, one
//! server, the same options. All that a job has in common with another one is kept once for both; what is left is the
//! end of an address.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    path::Path,
    sync::Arc,
};

use ropeway_model::{Direction, JobSpec, Network, Priority, SafeUrl, Secrets, Timestamp, Transfer};
use url::Position;

/// Specifications that the next one is compared with: a list that goes round a few servers finds each of them.
const MOST_RECENT: usize = 8;
/// One in so many jobs may become one that others are like for its address alone, so that a list in which every job
/// has a server of its own costs no more than it must.
const PRICE: u32 = 16;

/// A specification in little room.
#[derive(Clone, Debug)]
pub(crate) struct InternedSpec {
    /// A job that is like this one in all but its subject.
    like: Arc<JobSpec>,
    subject: Subject,
}

/// Which remote or local file.
#[derive(Clone, Debug)]
enum Subject {
    /// The first `common` bytes of the address are those of the job it is like.
    Address { common: u32, rest: Box<str> },
    /// A file in the folder of the one it is like.
    File(Box<OsStr>),
}

/// The specifications that others are likely to be like, the last one found first.
#[derive(Debug, Default)]
pub(crate) struct SpecInterner {
    recent: VecDeque<Arc<JobSpec>>,
    credit: u32,
}

impl InternedSpec {
    /// The specification in full.
    pub(crate) fn spec(&self) -> JobSpec {
        let mut spec = (*self.like).clone();
        match (&mut spec.transfer, &self.subject) {
            (Transfer::Download { from, .. }, Subject::Address { common, rest }) => {
                if let Some(near) = beside(from, *common, rest) {
                    // Secrets belong to an origin, which is the same.
                    *from = near;
                    return spec;
                }
                let text = format!("{}{rest}", head(from, *common));
                *from = text.parse().expect("an address is read again as it was written");
            }
            (Transfer::Upload { from, .. }, Subject::File(name)) => from.set_file_name(name),
            _ => unreachable!("a subject is of the direction that its job has"),
        }
        let (fields, origin) = self.like.secrets.split(self.like.address());
        spec.secrets = Secrets::join(fields.to_vec(), origin.map(str::to_owned), spec.address());
        spec
    }

    /// The server's host and port.
    pub(crate) fn host(&self) -> String {
        match (&self.like.transfer, &self.subject) {
            (Transfer::Download { from, .. }, Subject::Address { common, .. }) if !is_of_server(from, *common) => {
                self.spec().host()
            }
            _ => self.like.host(),
        }
    }

    /// Which way the bytes go.
    pub(crate) fn direction(&self) -> Direction {
        self.like.direction()
    }

    /// Priority of the job.
    pub(crate) fn priority(&self) -> Priority {
        self.like.priority
    }

    /// The moment before which it is not to be started.
    pub(crate) fn start_at(&self) -> Option<Timestamp> {
        self.like.start_at
    }

    /// Settings by which it reaches the network.
    pub(crate) fn network(&self) -> &Network {
        &self.like.network
    }

    /// The folder a download is saved into.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.like.transfer {
            Transfer::Download { into, .. } => Some(into),
            Transfer::Upload { .. } => None,
        }
    }
}

impl SpecInterner {
    /// The specification in little room, with what it has in common with recent ones.
    pub(crate) fn intern(&mut self, spec: &JobSpec) -> InternedSpec {
        self.credit = self.credit.saturating_add(1);
        let like = self.find(spec);
        let subject = match (&spec.transfer, &like.transfer) {
            (Transfer::Download { from, .. }, Transfer::Download { from: model, .. }) => {
                let common = common(from, model);
                let rest = from.expose().as_str().get(common as usize..).unwrap_or_default();
                Subject::Address { common, rest: rest.into() }
            }
            (Transfer::Upload { from, .. } | Transfer::Download { into: from, .. }, _) => {
                Subject::File(from.file_name().map(OsString::from).unwrap_or_default().into_boxed_os_str())
            }
        };
        InternedSpec { like, subject }
    }

    fn find(&mut self, spec: &JobSpec) -> Arc<JobSpec> {
        let same =
            |with: &dyn Fn(&JobSpec) -> bool| self.recent.iter().position(|like| is_like(like, spec) && with(like));
        let found = same(&|like| has_same_server(like, spec)).or_else(|| same(&|_| self.credit < PRICE));
        let like = found.and_then(|at| self.recent.remove(at)).unwrap_or_else(|| {
            self.credit = 0;
            self.recent.truncate(MOST_RECENT - 1);
            Arc::new(spec.clone())
        });
        self.recent.push_front(Arc::clone(&like));
        like
    }
}

/// Whether the two differ in their subject alone.
fn is_like(one: &JobSpec, other: &JobSpec) -> bool {
    // Taken apart by name, so that a new field does not compile until it has a place here.
    let JobSpec {
        transfer,
        rate_limit,
        connections,
        checksum,
        further_checksums,
        digest,
        secrets,
        priority,
        on_conflict,
        reuse,
        no_times,
        network,
        mirrors,
        pieces,
        length,
        start_at,
        named_folders,
    } = one;
    let is_same_place = match (transfer, &other.transfer) {
        (Transfer::Download { from: _, into, name }, Transfer::Download { from: _, into: folder, name: other }) => {
            into == folder && name == other
        }
        (Transfer::Upload { from, to }, Transfer::Upload { from: file, to: target }) => {
            from.parent() == file.parent() && to == target
        }
        _ => false,
    };
    is_same_place
        && *rate_limit == other.rate_limit
        && *connections == other.connections
        && (checksum, further_checksums) == (&other.checksum, &other.further_checksums)
        && *digest == other.digest
        && secrets.split(one.address()) == other.secrets.split(other.address())
        && *priority == other.priority
        && *on_conflict == other.on_conflict
        && (*reuse, *no_times) == (other.reuse, other.no_times)
        && *network == other.network
        && *mirrors == other.mirrors
        && *pieces == other.pieces
        && *length == other.length
        && *start_at == other.start_at
        && *named_folders == other.named_folders
}

fn has_same_server(one: &JobSpec, other: &JobSpec) -> bool {
    match (&one.transfer, &other.transfer) {
        (Transfer::Download { from, .. }, Transfer::Download { from: other, .. }) => {
            from.expose().host() == other.expose().host()
        }
        _ => true,
    }
}

/// How many leading bytes two addresses share.
fn common(one: &SafeUrl, other: &SafeUrl) -> u32 {
    let pairs = one.expose().as_str().bytes().zip(other.expose().as_str().bytes());
    // Addresses are written in ASCII; anything else would end the common part rather than be cut.
    let common = pairs.take_while(|(one, other)| one == other && one.is_ascii()).count();
    u32::try_from(common).unwrap_or(0)
}

/// Whether the first `common` bytes of the address name its whole server, and that its name ends there.
fn is_of_server(address: &SafeUrl, common: u32) -> bool {
    address.expose()[..Position::BeforePath].len() < common as usize
}

/// The address at the server of `like` whose first `common` bytes are those of it, with `rest` behind them; `None` where it
/// has to be read as a whole.
fn beside(like: &SafeUrl, common: u32, rest: &str) -> Option<SafeUrl> {
    let path = like.expose()[..Position::BeforePath].len();
    let begun = head(like, common).get(path..).filter(|begun| !begun.is_empty())?;
    let path = format!("{begun}{rest}");
    // Two slashes would begin the name of another server.
    let is_path = path.starts_with('/') && !path.starts_with("//");
    like.expose().join(&path).ok().filter(|_| is_path).map(SafeUrl::from)
}

fn head(address: &SafeUrl, common: u32) -> &str {
    address.expose().as_str().get(..common as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ropeway_model::{ByteRate, ConnectionChoice};

    use super::*;

    fn download(address: &str) -> JobSpec {
        JobSpec::new(Transfer::Download { from: address.parse().unwrap(), into: "/downloads".into(), name: None })
    }

    #[test]
    fn jobs_of_one_list_share_all_but_the_end_of_their_addresses() {
        let mut interner = SpecInterner::default();
        let kept: Vec<_> = (0..100)
            .map(|number| interner.intern(&download(&format!("https://files.example/set/{number:04}.bin"))))
            .collect();
        assert!(kept.iter().all(|one| Arc::ptr_eq(&one.like, &kept[0].like)));
        assert!(
            kept.iter().skip(1).all(|one| matches!(&one.subject, Subject::Address { rest, .. } if rest.len() <= 6))
        );
        let other = JobSpec { rate_limit: ByteRate::new(1), ..download("https://files.example/set/0001.bin") };
        assert!(!Arc::ptr_eq(&interner.intern(&other).like, &kept[0].like));
    }

    #[test]
    fn a_list_with_a_server_for_each_job_makes_few_models() {
        let mut interner = SpecInterner::default();
        let kept: Vec<_> =
            (0..320).map(|number| interner.intern(&download(&format!("https://{number}.example/a")))).collect();
        let models: std::collections::HashSet<_> = kept.iter().map(|one| Arc::as_ptr(&one.like)).collect();
        assert!(models.len() <= 21, "{}", models.len());
        for (number, one) in kept.iter().enumerate() {
            assert_eq!(one.spec(), download(&format!("https://{number}.example/a")));
        }
    }

    fn any_spec() -> impl Strategy<Value = JobSpec> {
        let address = "(http|https)://(u:p@)?[a-c]{1,2}(:81)?/[a-z0-9./%ä +-]{0,12}(\\?[a-z=&%ö]{0,6})?(#[a-z ]{0,3})?";
        let download = (address, "[ab]", prop::option::of("[xy]")).prop_map(|(from, into, name)| Transfer::Download {
            from: from.parse().unwrap(),
            into: format!("/{into}").into(),
            name: name.map(|name| name.parse().unwrap()),
        });
        let upload = ("(/[ab]){1,3}", "[cd]").prop_map(|(from, to)| Transfer::Upload {
            from: from.into(),
            to: format!("https://{to}.example/").parse().unwrap(),
        });
        (prop_oneof![download, upload], any::<bool>(), any::<bool>()).prop_map(|(transfer, limited, alone)| JobSpec {
            rate_limit: limited.then(|| ByteRate::new(9).unwrap()),
            connections: alone.then(|| ConnectionChoice::number(1).unwrap()),
            secrets: if alone { Secrets::of(transfer.address(), Vec::new()) } else { Secrets::default() },
            ..JobSpec::new(transfer)
        })
    }

    proptest! {
        /// Whatever came before, what is taken out is what was put in.
        #[test]
        fn nothing_of_a_specification_is_lost(specs in prop::collection::vec(any_spec(), 1..60)) {
            let mut interner = SpecInterner::default();
            let kept: Vec<_> = specs.iter().map(|spec| interner.intern(spec)).collect();
            for (spec, kept) in specs.iter().zip(&kept) {
                prop_assert_eq!(&kept.spec(), spec);
                prop_assert_eq!(kept.direction(), spec.direction());
            }
        }
    }
}
