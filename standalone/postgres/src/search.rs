//! Which PostgreSQL installation to use.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::binaries::leading_number;
use crate::{Binaries, NothingFound, Refusal, StartError, download};

/// Where to look for PostgreSQL, in this order; the default looks nowhere.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The one folder to use (`PG_BIN`); when set, nothing else is looked at.
    pub pg_bin: Option<PathBuf>,
    /// The search path (`PATH`): for `postgres`, then for a `pg_config` that knows the folder.
    pub path: Option<OsString>,
    /// Where packages put their versions side by side.
    pub installed: Vec<Installed>,
    /// Cache of downloaded versions; `None` means that nothing is downloaded.
    pub download_to: Option<PathBuf>,
}

/// A folder with one folder for each version, named `<prefix><version>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The common folder.
    pub parent: PathBuf,
    /// What comes before the version; may be empty.
    pub prefix: String,
}

/// A folder that may hold binaries, or the reason why there is none.
type Place = Result<PathBuf, Refusal>;

impl Search {
    /// Describes the usual places, with `PG_BIN` and `PATH` looked up by the caller's function.
    ///
    /// Nothing is downloaded until `download_to` is set.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        Self {
            pg_bin: set("PG_BIN").map(PathBuf::from),
            path: set("PATH").map(OsString::from),
            installed: Installed::usual(),
            download_to: None,
        }
    }

    /// Finds binaries of a wanted major version, else the first ones that can be used at all.
    ///
    /// # Errors
    ///
    /// `PgBin` when the folder asked for is of no use, `NothingFound` when no place has any.
    pub async fn find(&self, wanted: Option<u64>) -> Result<Binaries, StartError> {
        if let Some(dir) = &self.pg_bin {
            let found = Binaries::inspect(dir).await;
            return found.map_err(|why| StartError::PgBin { dir: dir.clone(), why });
        }

        let mut refused = Vec::new();
        let mut seen = HashSet::new();
        let mut second_choice = None;
        for source in [Source::Path, Source::PgConfig, Source::Installed, Source::Cache] {
            for place in self.places(source).await {
                match self.look_at(place, &mut seen).await {
                    Ok(Some(found)) if wanted.is_none_or(|major| found.version.major == major) => {
                        return Ok(found);
                    }
                    Ok(Some(found)) => second_choice = second_choice.or(Some(found)),
                    Ok(None) => {}
                    Err(refusal) => refused.push(refusal),
                }
            }
        }
        if let Some(found) = second_choice {
            return Ok(found);
        }

        match download::fetch(self.download_to.as_deref(), wanted).await {
            Ok(found) => Ok(found),
            Err(why) => {
                refused.push(refusal("download", why));
                Err(NothingFound { refused }.into())
            }
        }
    }

    async fn look_at(&self, place: Place, seen: &mut HashSet<PathBuf>) -> Result<Option<Binaries>, Refusal> {
        let dir = place?;
        if !seen.insert(dir.clone()) {
            return Ok(None);
        }
        let found = Binaries::inspect(&dir).await;
        found.map(Some).map_err(|why| refusal(dir.display().to_string(), why))
    }

    async fn places(&self, source: Source) -> Vec<Place> {
        match source {
            Source::Path => self.on_path(),
            Source::PgConfig => vec![self.told_by_pg_config().await],
            Source::Installed => self.installed.iter().flat_map(Installed::places).collect(),
            Source::Cache => self.download_to.iter().flat_map(|cache| download::cached(cache)).map(Ok).collect(),
        }
    }

    /// The real folders: a link on the search path stands alone, without the files beside it.
    fn on_path(&self) -> Vec<Place> {
        let found: Vec<Place> = self
            .on_path_named("postgres")
            .filter_map(|program| Some(Ok(program.canonicalize().ok()?.parent()?.to_path_buf())))
            .collect();
        if found.is_empty() {
            return vec![Err(refusal("PATH", "no `postgres` in any of its folders"))];
        }
        found
    }

    async fn told_by_pg_config(&self) -> Place {
        let refused = |why: String| refusal("pg_config --bindir", why);
        let program =
            self.on_path_named("pg_config").next().ok_or_else(|| refused("no `pg_config` on PATH".to_owned()))?;
        let output = Command::new(&program)
            .arg("--bindir")
            .output()
            .await
            .map_err(|error| refused(format!("{} does not run: {error}", program.display())))?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let dir = Path::new(answer.trim());
        dir.canonicalize().map_err(|error| refused(format!("it answers `{}`: {error}", dir.display())))
    }

    fn on_path_named(&self, program: &str) -> impl Iterator<Item = PathBuf> {
        self.path
            .iter()
            .flat_map(std::env::split_paths)
            .map(move |folder| folder.join(program))
            .filter(|path| path.is_file())
    }
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Path,
    PgConfig,
    Installed,
    Cache,
}

impl Installed {
    /// The folders of Debian's, Red Hat's, Homebrew's and Postgres.app's packages.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        [
            ("/usr/lib/postgresql", ""),
            ("/usr", "pgsql-"),
            ("/opt/homebrew/opt", "postgresql@"),
            ("/usr/local/opt", "postgresql@"),
            ("/Applications/Postgres.app/Contents/Versions", ""),
        ]
        .map(|(parent, prefix)| Self { parent: PathBuf::from(parent), prefix: prefix.to_owned() })
        .to_vec()
    }

    /// The `bin` folders, highest version first.
    fn places(&self) -> Vec<Place> {
        let folders = folders_by_version(&self.parent, &self.prefix);
        if folders.is_empty() {
            let place = self.parent.join(format!("{}*/bin", self.prefix));
            return vec![Err(refusal(place.display().to_string(), "nothing there"))];
        }
        folders.into_iter().map(|folder| Ok(folder.join("bin"))).collect()
    }
}

/// Folders named `<prefix><version>`, highest version first.
pub(crate) fn folders_by_version(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(Vec<u64>, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?;
            let numbers: Vec<u64> = version.split('.').map_while(leading_number).collect();
            (!numbers.is_empty()).then(|| (numbers, entry.path()))
        })
        .collect();
    found.sort_by(|left, right| right.cmp(left));
    found.into_iter().map(|(_, path)| path).collect()
}

fn refusal(place: impl Into<String>, why: impl Into<String>) -> Refusal {
    Refusal { place: place.into(), why: why.into() }
}
