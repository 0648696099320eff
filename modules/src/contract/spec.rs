//! What a module declares about itself: arguments, rules, modes. Pure data; feeds validation, docs and completion.

/// The type an argument is coerced to, with ansible-core's own coercions (`module_utils/common/validation.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgType {
    Str,
    Bool,
    Int,
    Float,
    /// A string in which `~` and `$VARS` are expanded on the host.
    Path,
    /// Passed through untouched.
    Raw,
    List,
    Dict,
    /// A string; structured data is serialised to JSON text.
    Json,
    /// A size in bytes: `10M` → 10485760.
    Bytes,
}

/// A default value that can stand in a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    Strs(&'static [&'static str]),
    EmptyDict,
}

/// One argument. Built with the `const` methods: `Arg::path("path").required().aliases(&["dest", "name"]).doc("…")`.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    pub name: &'static str,
    pub ty: ArgType,
    pub required: bool,
    pub default: Literal,
    pub choices: &'static [&'static str],
    pub aliases: &'static [&'static str],
    /// Type of the elements where `ty` is `List`.
    pub elements: Option<ArgType>,
    /// The value is a secret: it never reaches a log, a result or an error.
    pub no_log: bool,
    /// Sub-options of a `Dict`, or of the `Dict` elements of a `List`.
    pub options: &'static [Arg],
    pub doc: &'static str,
}

impl Arg {
    pub const fn new(name: &'static str, ty: ArgType) -> Self {
        Arg {
            name,
            ty,
            required: false,
            default: Literal::None,
            choices: &[],
            aliases: &[],
            elements: None,
            no_log: false,
            options: &[],
            doc: "",
        }
    }
    pub const fn str(name: &'static str) -> Self {
        Self::new(name, ArgType::Str)
    }
    pub const fn bool(name: &'static str) -> Self {
        Self::new(name, ArgType::Bool)
    }
    pub const fn int(name: &'static str) -> Self {
        Self::new(name, ArgType::Int)
    }
    pub const fn float(name: &'static str) -> Self {
        Self::new(name, ArgType::Float)
    }
    pub const fn path(name: &'static str) -> Self {
        Self::new(name, ArgType::Path)
    }
    pub const fn raw(name: &'static str) -> Self {
        Self::new(name, ArgType::Raw)
    }
    pub const fn dict(name: &'static str) -> Self {
        Self::new(name, ArgType::Dict)
    }
    pub const fn list(name: &'static str, elements: ArgType) -> Self {
        let mut arg = Self::new(name, ArgType::List);
        arg.elements = Some(elements);
        arg
    }
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
    pub const fn default(mut self, value: Literal) -> Self {
        self.default = value;
        self
    }
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
    pub const fn no_log(mut self) -> Self {
        self.no_log = true;
        self
    }
    pub const fn options(mut self, options: &'static [Arg]) -> Self {
        self.options = options;
        self
    }
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

/// A rule over several arguments, as in Ansible's argument specs. Messages are ansible-core's.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    MutuallyExclusive(&'static [&'static str]),
    RequiredTogether(&'static [&'static str]),
    RequiredOneOf(&'static [&'static str]),
    /// If argument = value, all (or, with `any`, one) of the others are required.
    RequiredIf {
        arg: &'static str,
        value: Literal,
        required: &'static [&'static str],
        any: bool,
    },
    /// If `arg` is present, all of the others are required.
    RequiredBy {
        arg: &'static str,
        required: &'static [&'static str],
    },
}

/// What the module does in check mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckMode {
    /// `preview` tells exactly what `apply` would do.
    Full,
    /// Some changes cannot be foreseen; `preview` says which.
    Partial,
    /// The module is skipped in check mode, as in Ansible.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A second run changes nothing.
    Declarative,
    /// Does its work at each call (`command`).
    Imperative,
    /// Only reads the host.
    Query,
}

/// One returned key, for the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Return {
    pub name: &'static str,
    pub when: &'static str,
    pub doc: &'static str,
}

/// Everything that is known of a module without running it.
#[derive(Clone, Copy, Debug)]
pub struct ModuleSpec {
    /// Canonical name, fully qualified: `ansible.builtin.file`.
    pub name: &'static str,
    pub summary: &'static str,
    pub args: &'static [Arg],
    /// Argument sets shared by several modules (`host::attrs::FILE_ARGS`).
    pub shared: &'static [&'static [Arg]],
    pub rules: &'static [Rule],
    pub check_mode: CheckMode,
    pub diff: bool,
    pub kind: Kind,
    /// The argument that takes a free-form string (`command: ls -l`).
    pub free_form: Option<&'static str>,
    /// Unknown arguments are passed through (`set_fact`, `add_host`).
    pub open: bool,
    /// YAML tasks; each is parsed and validated by a test.
    pub examples: &'static str,
    pub returns: &'static [Return],
    /// How it differs from Ansible's, if it does; empty otherwise.
    pub differs: &'static str,
}

impl ModuleSpec {
    /// Whether a call can set facts of the host (`ansible_facts` in its result).
    pub fn gives_facts(&self) -> bool {
        self.returns.iter().any(|r| r.name == "ansible_facts")
    }

    /// A declarative module with full check mode, diff and no rules; change fields with struct update syntax.
    pub const fn new(name: &'static str, summary: &'static str, args: &'static [Arg]) -> Self {
        ModuleSpec {
            name,
            summary,
            args,
            shared: &[],
            rules: &[],
            check_mode: CheckMode::Full,
            diff: false,
            kind: Kind::Declarative,
            free_form: None,
            open: false,
            examples: "",
            returns: &[],
            differs: "",
        }
    }

    /// All arguments: the module's own, then the shared sets.
    pub fn all_args(&self) -> impl Iterator<Item = &'static Arg> + use<> {
        self.args.iter().chain(self.shared.iter().flat_map(|set| set.iter()))
    }

    /// The name in messages: `file`, but `ansible.posix.mount`.
    pub fn told_name(&self) -> &'static str {
        self.name.strip_prefix("ansible.builtin.").unwrap_or(self.name)
    }

    /// The name without its collection: `file`.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}
