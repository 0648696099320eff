//! Roles as blocks: of `roles:`, of import_role and include_role, and their dependencies.

use super::build::{Build, Place};
use super::context::RoleRequest;
use super::model::{IncludeLink, Inherited, PlannedBlock, PlannedTask};
use super::role::{RoleContext, RoleOwn};
use super::role_files::{FromFiles, RoleFiles, RolePlace, find_role};
use super::synthetic;
use crate::diag::{Code, Diagnostic, Span};
use crate::playbook::{Common, RoleRef, Task, Templated};
use crate::value::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// A role in place.
pub(super) struct Compiled {
    pub(super) context: Arc<RoleContext>,
    pub(super) blocks: Vec<Arc<PlannedBlock>>,
    pub(super) handlers: Vec<Arc<PlannedTask>>,
}

/// One use of a role.
struct Use<'a> {
    place: RolePlace,
    from: FromFiles,
    common: Common,
    params: Arc<Map>,
    public: bool,
    from_include: bool,
    /// Overrides what the role's meta data say.
    allow_duplicates: Option<bool>,
    validate: bool,
    span: Span,
    around: &'a Around,
}

/// What surrounds a role and its dependencies.
#[derive(Clone)]
struct Around {
    /// Keywords of the include or import, if one brings the role.
    include: Option<Arc<Inherited>>,
    link: Option<Arc<IncludeLink>>,
    /// How many roles of the chain are in `include` already.
    known: usize,
    /// Conditions of `import_playbook`.
    when: Vec<Templated>,
}

impl Build<'_> {
    /// A role of the play's `roles`.
    pub(super) fn listed_role(&mut self, reference: &RoleRef, when: &[Templated]) -> Option<Compiled> {
        let around = Around { include: None, link: None, known: 0, when: when.to_vec() };
        let collections = self.play.keywords.collections.clone();
        self.referenced(reference, &[], None, &collections, &around, true)
    }

    fn referenced(
        &mut self,
        reference: &RoleRef,
        chain: &[Arc<RoleContext>],
        beside: Option<&Path>,
        collections: &[Arc<str>],
        around: &Around,
        fixed: bool,
    ) -> Option<Compiled> {
        let name = self.role_name(&reference.role, chain.last())?;
        let place = self.find(&name, beside, collections, reference.role.span)?;
        if chain.iter().any(|role| role.path == place.path) {
            let message = "A recursion loop was detected with the roles specified. Make sure child roles do not have dependencies on parent roles";
            self.report(Diagnostic::error(Code::INCLUDE_INVALID, message).at(reference.span, ""));
            return None;
        }
        let used = Use {
            place,
            from: FromFiles::default(),
            common: reference.common.clone(),
            params: reference.params.clone(),
            public: self.public(None, fixed),
            from_include: false,
            allow_duplicates: None,
            validate: true,
            span: reference.span,
            around,
        };
        self.role(used, chain, fixed)
    }

    /// `import_role`.
    pub(super) fn import_role(&mut self, task: &Task, place: &Place) -> Option<Compiled> {
        let keywords = place.frame.keywords.inside(&task.common);
        let scope = self.scope(&place.frame, &keywords);
        let mut args = Map::new();
        for (key, value) in &*task.args.map {
            let value = if value.needs_render() && key.as_str() != Some("apply") {
                match self.planner.render.render(value, &scope) {
                    Ok(value) => value,
                    Err(fault) => {
                        self.report(fault.at(task.span, "imported here"));
                        return None;
                    }
                }
            } else {
                value.clone()
            };
            args.extend([(key.clone(), value)]);
        }
        let request = self.request(&args, task)?;
        self.depth += 1;
        let compiled = if self.depth > 64 {
            let message = "roles import each other without end";
            self.report(Diagnostic::error(Code::INCLUDE_INVALID, message).at(task.span, ""));
            None
        } else {
            self.role_of_include(task, &request, place, &keywords, task.common.vars.clone(), true)
        };
        self.depth -= 1;
        compiled
    }

    fn request(&mut self, args: &Map, task: &Task) -> Option<RoleRequest> {
        let text = |name: &str| args.get(name).filter(|v| !v.is_null()).map(Value::to_string);
        let mut request = RoleRequest::new(text("name").or_else(|| text("role"))?);
        request.tasks_from = text("tasks_from");
        request.vars_from = text("vars_from");
        request.defaults_from = text("defaults_from");
        request.handlers_from = text("handlers_from");
        for name in ["public", "allow_duplicates", "rolespec_validate"] {
            let Some(value) = args.get(name).filter(|v| !v.is_null()) else { continue };
            let bool = tightbeam_modules::contract::ArgType::Bool;
            let read = tightbeam_modules::contract::coerce(bool, value.to_json()).ok().and_then(|v| v.as_bool());
            let Some(read) = read else {
                let message = format!("The value {} could not be converted to 'bool'.", value.repr());
                let span = task.args.place(name).unwrap_or(task.span);
                self.report(Diagnostic::error(Code::KEYWORD_TYPE, message).at(span, ""));
                return None;
            };
            match name {
                "public" => request.public = Some(read),
                "allow_duplicates" => request.allow_duplicates = read,
                _ => request.rolespec_validate = read,
            }
        }
        Some(request)
    }

    /// A role that an include or import names. `keywords` are those around its tasks, `vars` the include's own.
    pub(super) fn role_of_include(
        &mut self,
        task: &Task,
        request: &RoleRequest,
        place: &Place,
        keywords: &Arc<Inherited>,
        vars: Arc<Map>,
        fixed: bool,
    ) -> Option<Compiled> {
        let name_span = task.args.place("name").or_else(|| task.args.place("role")).unwrap_or(task.span);
        let collections = task.common.collections.as_ref().unwrap_or(&keywords.collections);
        let found = self.find(&request.name, None, collections, name_span)?;
        let parent = place.frame.role.clone();
        let chain: Vec<Arc<RoleContext>> = parent.iter().flat_map(|p| p.chain.iter().chain([p])).cloned().collect();
        let mut keywords = Inherited::clone(keywords);
        if let Some(parent) = &parent {
            keywords.include_params.push(Arc::new(parent_params(parent, &keywords)));
        }
        let around = Around {
            include: Some(Arc::new(keywords)),
            link: Some(Arc::new(IncludeLink { dir: found.path.clone(), outer: place.frame.include.clone() })),
            known: chain.len(),
            when: vec![],
        };
        let used = Use {
            place: found,
            from: FromFiles {
                tasks: request.tasks_from.clone(),
                vars: request.vars_from.clone(),
                defaults: request.defaults_from.clone(),
                handlers: request.handlers_from.clone(),
            },
            common: Common { vars, ..Common::default() },
            params: Arc::default(),
            public: self.public(request.public, fixed),
            from_include: true,
            allow_duplicates: Some(request.allow_duplicates),
            validate: request.rolespec_validate,
            span: task.span,
            around: &around,
        };
        self.role(used, &chain, fixed)
    }

    fn public(&self, asked: Option<bool>, fixed: bool) -> bool {
        asked.or(self.planner.settings.private_role_vars.map(|private| !private)).unwrap_or(fixed)
    }

    fn role(&mut self, used: Use, chain: &[Arc<RoleContext>], fixed: bool) -> Option<Compiled> {
        let files = match self.planner.role_files(&used.place, &used.from, Some(used.span)) {
            Ok(files) => files,
            Err(fault) => {
                self.report(fault);
                return None;
            }
        };
        self.diagnostics.extend(files.diagnostics.iter().cloned());
        let collections = role_collections(&used.place, &files);
        let bare = Arc::new(self.context(&used, &files, chain, &collections, vec![]));
        let inner: Vec<Arc<RoleContext>> = chain.iter().cloned().chain([bare]).collect();
        let beside = used.place.path.parent();
        let mut blocks = Vec::new();
        let mut handlers = Vec::new();
        let mut direct = Vec::new();
        for reference in &files.meta.dependencies {
            let dependency = self.referenced(reference, &inner, beside, &collections, used.around, fixed)?;
            blocks.extend(dependency.blocks);
            handlers.extend(dependency.handlers);
            direct.push(dependency.context);
        }
        let context = Arc::new(self.context(&used, &files, chain, &collections, direct));
        let own = &context.own;
        for vars in [&own.defaults, &own.vars, &own.keyword_vars, &own.params] {
            self.check_names(vars, used.span);
        }
        let keywords = self.role_keywords(&context, used.around);
        let tasks_dir = used.place.path.join("tasks");
        let dir_of = |file: &Option<(std::path::PathBuf, _)>| {
            file.as_ref().and_then(|(path, _)| path.parent().map(Path::to_owned))
        };
        let link = used.around.link.clone();
        let frame = self.frame(
            keywords.clone(),
            Some(context.clone()),
            link.clone(),
            &dir_of(&files.tasks).unwrap_or(tasks_dir),
        );
        let place = Place { frame: frame.clone(), handlers: false };
        let mut items = files.tasks.as_ref().map(|(_, parsed)| parsed.tree.clone()).unwrap_or_default();
        if used.validate
            && let Some(check) = synthetic::validate_arguments(&context, &files.meta, &used.from, used.span)
        {
            items.insert(0, check);
        }
        blocks.extend(self.blocks(&items, &place));
        blocks.push(synthetic::role_complete(self.planner, &frame, used.span));
        if let Some((_, parsed)) = &files.handlers {
            let dir = dir_of(&files.handlers).unwrap_or_default();
            let frame = self.frame(keywords, Some(context.clone()), link, &dir);
            handlers.extend(self.handler_list(&parsed.tree, &frame));
        }
        Some(Compiled { context, blocks, handlers })
    }

    /// Keywords around a role's tasks: of the play, of the roles that led here and of this use; those of an include that
    /// brings the role come before the roles'.
    fn role_keywords(&self, context: &RoleContext, around: &Around) -> Arc<Inherited> {
        let own = |role: &RoleContext| Common { vars: Arc::default(), ..role.common.clone() };
        let mut keywords = match &around.include {
            None => {
                let mut keywords = Inherited::clone(&self.play.keywords);
                if !around.when.is_empty() {
                    keywords.when.extend(around.when.iter().cloned());
                }
                for role in &context.chain {
                    keywords = keywords.with(&own(role));
                }
                keywords.with(&own(context))
            }
            Some(include) => {
                let mut roles = Inherited::default();
                for role in context.chain.iter().skip(around.known) {
                    roles = roles.with(&own(role));
                }
                roles = roles.with(&own(context));
                let join = |mut outer: Vec<_>, inner: &[_]| {
                    outer.extend(inner.iter().cloned());
                    outer
                };
                Inherited {
                    settings: include.settings.within(&roles.settings),
                    when: join(roles.when, &include.when),
                    tags: join(include.tags.clone(), &roles.tags),
                    environment: join(roles.environment, &include.environment),
                    module_defaults: roles
                        .module_defaults
                        .into_iter()
                        .chain(include.module_defaults.iter().cloned())
                        .collect(),
                    vars: include.vars.clone(),
                    include_params: include.include_params.clone(),
                    collections: include.collections.clone(),
                }
            }
        };
        // Roles do not see the play's collections.
        keywords.collections = context.collections.clone();
        Arc::new(keywords)
    }

    fn context(
        &self,
        used: &Use,
        files: &RoleFiles,
        chain: &[Arc<RoleContext>],
        collections: &Arc<[Arc<str>]>,
        direct: Vec<Arc<RoleContext>>,
    ) -> RoleContext {
        let own = RoleOwn {
            defaults: files.defaults.clone(),
            vars: files.vars.clone(),
            keyword_vars: used.common.vars.clone(),
            params: used.params.clone(),
        };
        let dependencies: Vec<Arc<RoleContext>> =
            direct.iter().flat_map(|d| d.dependencies.iter().chain([d])).cloned().collect();
        let filled =
            |layers: Vec<Arc<Map>>| -> Vec<Arc<Map>> { layers.into_iter().filter(|l| !l.is_empty()).collect() };
        let of_dependencies = |pick: fn(&RoleContext) -> &Vec<Arc<Map>>| -> Vec<Arc<Map>> {
            direct.iter().flat_map(|d| pick(d).iter().cloned()).collect()
        };
        let mut public_defaults = of_dependencies(|d| &d.public_defaults);
        let mut defaults = public_defaults.clone();
        public_defaults.push(own.defaults.clone());
        defaults.extend(chain.iter().map(|r| r.own.defaults.clone()));
        defaults.push(own.defaults.clone());
        let mut public_vars = of_dependencies(|d| &d.public_vars);
        let mut vars: Vec<Arc<Map>> =
            chain.iter().flat_map(|r| [r.own.keyword_vars.clone(), r.own.vars.clone()]).collect();
        vars.extend(public_vars.iter().cloned());
        vars.extend([own.vars.clone(), own.keyword_vars.clone()]);
        public_vars.push(own.vars.clone());
        let mut params: Vec<Arc<Map>> = chain.iter().map(|r| r.own.params.clone()).collect();
        params.push(own.params.clone());
        RoleContext {
            id: self.planner.id(),
            name: used.place.name.clone(),
            collection: used.place.collection.clone(),
            path: used.place.path.clone(),
            identity: identity(used),
            allow_duplicates: used.allow_duplicates.unwrap_or(files.meta.allow_duplicates),
            public: used.public,
            from_include: used.from_include,
            chain: chain.to_vec(),
            dependencies,
            defaults: filled(defaults),
            vars: filled(vars),
            params: filled(params),
            public_defaults: filled(public_defaults),
            public_vars: filled(public_vars),
            own,
            common: used.common.clone(),
            collections: collections.clone(),
        }
    }

    fn role_name(&mut self, name: &Templated, within: Option<&Arc<RoleContext>>) -> Option<String> {
        if !name.node.needs_render() {
            return Some(name.node.to_string());
        }
        let frame = self.frame(self.play.keywords.clone(), within.cloned(), None, &self.play.dir);
        let scope = self.scope(&frame, &frame.keywords);
        match self.planner.render.render(&name.node, &scope) {
            Ok(name) => Some(name.to_string()),
            Err(fault) => {
                self.report(fault.at(name.span, "name of a role"));
                None
            }
        }
    }

    fn find(&mut self, name: &str, beside: Option<&Path>, collections: &[Arc<str>], span: Span) -> Option<RolePlace> {
        let planner = self.planner;
        match find_role(&*planner.loader.files, &planner.settings, &self.play.dir, beside, collections, name) {
            Ok(place) => Some(place),
            Err(searched) => {
                let message = format!("the role '{name}' was not found in {searched}");
                self.report(Diagnostic::error(Code::ROLE_NOT_FOUND, message).at(span, "no such role"));
                None
            }
        }
    }
}

/// Where a role's tasks look for short names: its collection, those of its meta data, Ansible's own.
fn role_collections(place: &RolePlace, files: &RoleFiles) -> Arc<[Arc<str>]> {
    let mut all: Vec<Arc<str>> = place.collection.iter().cloned().collect();
    for collection in &files.meta.collections {
        if !all.contains(collection) {
            all.push(collection.clone());
        }
    }
    all.into()
}

/// What Ansible compares when it asks whether a role has run already.
fn identity(used: &Use) -> Arc<str> {
    let texts = |list: &[Templated]| list.iter().map(|v| v.node.repr()).collect::<Vec<_>>().join(",");
    format!(
        "{:?} {} {} when[{}] tags[{}] {:?} vars{} {}",
        used.place
            .collection
            .as_deref()
            .map(|c| format!("{c}.{}", used.place.name))
            .unwrap_or(used.place.name.to_string()),
        used.place.path.display(),
        Value::Map(used.params.clone()).repr(),
        texts(&used.common.when),
        texts(&used.common.tags),
        used.from,
        Value::Map(used.common.vars.clone()).repr(),
        used.from_include,
    )
    .into()
}

/// What the tasks of an included role know of the role that includes them.
fn parent_params(parent: &RoleContext, keywords: &Inherited) -> Map {
    let mut params = Map::clone(&parent.own.params);
    let path = parent.path.display().to_string();
    for (key, own) in [("ansible_parent_role_names", parent.full_name()), ("ansible_parent_role_paths", path)] {
        let before = keywords.include_params.iter().rev().find_map(|layer| layer.get(key)?.as_list());
        let mut all = vec![Value::foreign(own)];
        all.extend(before.unwrap_or_default().iter().cloned());
        params.insert(key, Value::list(all));
    }
    params
}
