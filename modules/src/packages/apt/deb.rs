//! `deb`: installing package files, with the dependencies they lack.

use super::decide::{Tools, install_line};
use super::dpkg::{Database, compare_versions};
use super::{Args, State, command, prepared, run_guarded};
use crate::contract::{Call, Diff, Failure, Outcome};
use crate::host::steps::{query, required};
use crate::host::{Change, Command, Observe};
use crate::network::http;
use std::cmp::Ordering;
use std::io::Read;

/// Package files that are not installed yet.
pub struct Debs {
    files: Vec<String>,
    /// Packages to install before them.
    dependencies: Vec<String>,
    /// A file that was downloaded and has no path yet.
    downloaded: Option<Vec<u8>>,
}

const STDIN: &str = "-";

/// Looks into the files: what they are, what is installed of them, what they need.
pub fn examine(args: &Args, host: &dyn Observe, call: &Call) -> Result<Debs, Failure> {
    if args.state != State::Present {
        return Err(Failure::new("deb only supports state=present"));
    }
    let list = args.deb.as_deref().unwrap_or_default();
    let mut debs = Debs { files: Vec::new(), dependencies: Vec::new(), downloaded: None };
    let database = Database::read(host)?;
    if list.contains("://") {
        let content = http::download(host, call, list)
            .map_err(|e| Failure::new(format!("Failure downloading {list}, {e}")).with("url", list))?;
        let [package, version, arch] = fields(host, STDIN, Some(&content))?;
        if !is_installed(&database, &package, &version, &arch) {
            debs.files.push(STDIN.to_owned());
            debs.downloaded = Some(content);
        }
        return Ok(debs);
    }
    for file in list.split(',') {
        let [package, version, arch] = fields(host, file, None)?;
        if is_installed(&database, &package, &version, &arch) {
            continue;
        }
        let newer =
            database.installed(&package).is_some_and(|p| compare_versions(&p.version, &version) == Ordering::Greater);
        if newer && !args.force && !args.allow_downgrade {
            return Err(Failure::new("A later version is already installed"));
        }
        debs.dependencies.extend(dependencies(host, file, &package, args)?);
        debs.files.push(file.to_owned());
    }
    Ok(debs)
}

fn is_installed(database: &Database, package: &str, version: &str, arch: &str) -> bool {
    let same =
        |name: &str| database.installed(name).is_some_and(|p| compare_versions(&p.version, version) == Ordering::Equal);
    if arch == "all" { same(package) } else { same(&format!("{package}:{arch}")) }
}

/// Name, version and architecture of a package file, or of content given on standard input.
fn fields(host: &dyn Observe, file: &str, content: Option<&[u8]>) -> Result<[String; 3], Failure> {
    let mut ask = Command::new(required(host, "dpkg-deb")?).args([
        "--show",
        "--showformat=${Package}\\n${Version}\\n${Architecture}\\n",
        file,
    ]);
    ask.stdin = content.map(<[u8]>::to_vec);
    let out = query(host, &ask)?;
    let text = out.stdout_text();
    let mut lines = text.lines().map(str::to_owned);
    match (out.ok(), lines.next(), lines.next(), lines.next()) {
        (true, Some(package), Some(version), Some(arch)) => Ok([package, version, arch]),
        _ => Err(Failure::new(format!("Unable to install package: {}", out.stderr_text().trim()))
            .with("stdout", text)
            .with("stderr", out.stderr_text())),
    }
}

/// What apt would install along with the file.
fn dependencies(host: &dyn Observe, file: &str, package: &str, args: &Args) -> Result<Vec<String>, Failure> {
    let path = if file.contains('/') { file.to_owned() } else { format!("./{file}") };
    let recommends = if args.install_recommends == Some(true) { "yes" } else { "no" };
    let line =
        format!("apt-get -y --simulate --allow-downgrades -o APT::Install-Recommends={recommends} install '{path}'");
    let out = query(host, &command(&line)?)?;
    if !out.ok() {
        if args.force {
            return Ok(Vec::new());
        }
        let text = out.stdout_text();
        let unmet = text.lines().find_map(|l| l.split_once("Depends: "));
        return Err(match unmet {
            Some((_, rest)) => {
                let need = rest.split(" but ").next().unwrap_or(rest);
                Failure::new(format!("Dependency is not satisfiable: {need}\n"))
            }
            None => Failure::new(format!("Unable to install package: {}", out.stderr_text().trim())),
        });
    }
    Ok(out
        .stdout_text()
        .lines()
        .filter_map(|l| l.strip_prefix("Inst ")?.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != package)
        .collect())
}

impl Debs {
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn dpkg_line(&self, args: &Args, check: bool) -> String {
        let options: Vec<String> = args.dpkg_options.split(',').map(|o| format!("--{o}")).collect();
        format!(
            "dpkg {}{}{} -i {}",
            options.join(" "),
            if check { " --simulate" } else { "" },
            if args.force { " --force-all" } else { "" },
            self.files.join(" ")
        )
    }

    fn dependency_line(&self, args: &Args, tools: &Tools, check: bool) -> Option<String> {
        let quoted: Vec<String> = self.dependencies.iter().map(|d| format!("'{d}'")).collect();
        let plain =
            Args { autoremove: false, only_upgrade: false, force: false, default_release: None, ..args.clone() };
        (!quoted.is_empty()).then(|| install_line(&plain, tools, &quoted.join(" "), check))
    }

    /// What check mode reports: apt's simulation of the dependencies; the files themselves are known to be missing.
    pub fn preview(&self, args: &Args, tools: &Tools, host: &dyn Observe, call: &Call) -> Result<Outcome, Failure> {
        let mut stdout = String::new();
        if let Some(line) = self.dependency_line(args, tools, true) {
            stdout = query(host, &command(&line)?)?.stdout_text();
        }
        let outcome = Outcome::changed(!self.is_empty());
        Ok(self.report(outcome, stdout, String::new(), call))
    }

    pub fn install(
        mut self,
        args: &Args,
        tools: &Tools,
        host: &mut dyn Change,
        call: &Call,
    ) -> Result<Outcome, Failure> {
        if self.is_empty() {
            return Ok(self.report(Outcome::unchanged(), String::new(), String::new(), call));
        }
        if let Some(content) = self.downloaded.take() {
            let name = args.deb.as_deref().unwrap_or_default();
            let name = name.split(['?', '#']).next().and_then(|u| u.rsplit('/').next()).unwrap_or("package.deb");
            let dir = host.temp_dir(None, "apt").map_err(|e| Failure::io("no temporary directory", &e))?;
            let path = dir.join(name);
            let mut bytes: &mut dyn Read = &mut content.as_slice();
            host.write(&path, &mut bytes, &Default::default()).map_err(|e| Failure::io(path.display(), &e))?;
            let file = path.display().to_string();
            let [package, ..] = fields(host.observe(), &file, None)?;
            self.dependencies = dependencies(host.observe(), &file, &package, args)?;
            self.files = vec![file];
        }
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if let Some(line) = self.dependency_line(args, tools, false) {
            let out = run_guarded(args, host, &command(&line)?)?;
            if !out.ok() {
                return Err(Failure::new(format!("'{line}' failed: {}", out.stderr_text()))
                    .with("stdout", out.stdout_text())
                    .with("stderr", out.stderr_text())
                    .with("rc", out.rc));
            }
            stdout.push_str(&out.stdout_text());
            stderr.push_str(&out.stderr_text());
        }
        let line = self.dpkg_line(args, false);
        let out = run_guarded(args, host, &command(&line)?)?;
        stdout.push_str(&out.stdout_text());
        stderr.push_str(&out.stderr_text());
        if !out.ok() {
            return Err(Failure::new(format!("{line} failed")).with("stdout", stdout).with("stderr", stderr));
        }
        Ok(self.report(Outcome::changed(true), stdout, stderr, call))
    }

    fn report(&self, outcome: Outcome, stdout: String, stderr: String, call: &Call) -> Outcome {
        let diff: Vec<Diff> = if call.diff && outcome.changed { vec![prepared(&stdout)] } else { Vec::new() };
        Outcome { diff, ..outcome.with("stdout", stdout).with("stderr", stderr) }
    }
}
