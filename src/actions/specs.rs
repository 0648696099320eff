//! What controller-side actions take: the same kind of spec as modules have, for checks and documentation.

use tightbeam_modules::contract::{Arg, ArgType, CheckMode, Kind, Literal, ModuleSpec};

const fn spec(name: &'static str, summary: &'static str, args: &'static [Arg]) -> ModuleSpec {
    ModuleSpec { kind: Kind::Imperative, ..ModuleSpec::new(name, summary, args) }
}

pub(super) static DEBUG: ModuleSpec = spec(
    "ansible.builtin.debug",
    "Shows a message or a variable.",
    &[
        Arg::raw("msg").doc("The message, of any type."),
        Arg::raw("var").doc("An expression to show, usually a variable's name."),
        Arg::int("verbosity").default(Literal::Int(0)).doc("Only with at least so many -v."),
    ],
);

pub(super) static FAIL: ModuleSpec = spec(
    "ansible.builtin.fail",
    "Fails with a message.",
    &[Arg::raw("msg").default(Literal::Str("Failed as requested from task")).doc("The message.")],
);

pub(super) static ASSERT: ModuleSpec = spec(
    "ansible.builtin.assert",
    "Fails unless all conditions hold.",
    &[
        Arg::raw("that").required().doc("A condition or a list of them, as in `when`."),
        Arg::raw("fail_msg").aliases(&["msg"]).doc("Shown when one does not hold."),
        Arg::raw("success_msg").doc("Shown when all hold."),
        Arg::bool("quiet").default(Literal::Bool(false)).doc("Say nothing of single conditions."),
    ],
);

pub(super) static ASYNC_STATUS: ModuleSpec = spec(
    "ansible.builtin.async_status",
    "Tells what has become of an asynchronous task.",
    &[
        Arg::str("jid").required().doc("The job: `ansible_job_id` of the task that started it."),
        Arg::str("mode")
            .choices(&["status", "cleanup"])
            .default(Literal::Str("status"))
            .doc("`cleanup` removes the job's file, without waiting for the job's end."),
    ],
);

pub(super) static SET_FACT: ModuleSpec = ModuleSpec {
    open: true,
    ..spec(
        "ansible.builtin.set_fact",
        "Sets variables of the host for the rest of the run.",
        &[Arg::bool("cacheable").default(Literal::Bool(false)).doc("The variables are facts too, and cached as such.")],
    )
};

pub(super) static SET_STATS: ModuleSpec = spec(
    "ansible.builtin.set_stats",
    "Sets figures for the end of the run.",
    &[
        Arg::raw("data").doc("Names and values: a dictionary."),
        Arg::raw("per_host").default(Literal::Bool(false)).doc("For each host, else for the run."),
        Arg::raw("aggregate").default(Literal::Bool(true)).doc("Add to what is there, else replace it."),
    ],
);

pub(super) static ADD_HOST: ModuleSpec = ModuleSpec {
    open: true,
    ..spec(
        "ansible.builtin.add_host",
        "Adds a host to the inventory of this run.",
        &[
            Arg::str("name").required().aliases(&["host", "hostname"]).doc("Name or address, with a port if need be."),
            Arg::list("groups", ArgType::Str).aliases(&["group", "groupname"]).doc("Groups that it joins."),
        ],
    )
};

pub(super) static GROUP_BY: ModuleSpec = spec(
    "ansible.builtin.group_by",
    "Puts hosts into groups named after a variable.",
    &[
        Arg::str("key").required().doc("Name of the group."),
        Arg::list("parents", ArgType::Str).default(Literal::Strs(&["all"])).doc("Groups that the group is below."),
    ],
);

pub(super) static INCLUDE_VARS: ModuleSpec = ModuleSpec {
    free_form: Some("_raw_params"),
    ..spec(
        "ansible.builtin.include_vars",
        "Reads variables from files of the controller.",
        &[
            Arg::path("file").doc("The file, looked for in `vars/` of the role and beside the playbook."),
            Arg::path("dir").doc("A directory whose files are read in order."),
            Arg::str("name").doc("A variable that takes all of them."),
            Arg::int("depth").default(Literal::Int(0)).doc("Levels of directories; 0 = all."),
            Arg::str("files_matching").doc("Only files whose name matches this regular expression."),
            Arg::list("ignore_files", ArgType::Str).doc("Regular expressions of names to leave out."),
            Arg::list("extensions", ArgType::Str)
                .default(Literal::Strs(&["json", "yaml", "yml"]))
                .doc("Of files in `dir`."),
            Arg::bool("ignore_unknown_extensions")
                .default(Literal::Bool(false))
                .doc("Leave out other files, else fail."),
            Arg::str("hash_behaviour").choices(&["replace", "merge"]).doc("What happens to dictionaries met twice."),
            Arg::str("_raw_params").doc("The file, given without a name."),
        ],
    )
};

pub(super) static PAUSE: ModuleSpec = spec(
    "ansible.builtin.pause",
    "Waits for time or for a person.",
    &[
        Arg::raw("minutes").doc("Minutes to wait."),
        Arg::raw("seconds").doc("Seconds to wait."),
        Arg::str("prompt").doc("What to ask."),
        Arg::bool("echo").default(Literal::Bool(true)).doc("Show what is typed."),
    ],
);

pub(super) static RAW: ModuleSpec = ModuleSpec {
    free_form: Some("_raw_params"),
    check_mode: CheckMode::None,
    ..spec(
        "ansible.builtin.raw",
        "Runs a command over the bare connection; needs nothing on the host.",
        &[
            Arg::str("_raw_params").required().doc("The command line."),
            Arg::path("executable").doc("The shell that runs it."),
        ],
    )
};

pub(super) static REBOOT: ModuleSpec = spec(
    "ansible.builtin.reboot",
    "Restarts the host and waits for it.",
    &[
        Arg::int("pre_reboot_delay").default(Literal::Int(0)).doc("Seconds before the restart."),
        Arg::int("post_reboot_delay").default(Literal::Int(0)).doc("Seconds before the first look whether it is back."),
        Arg::int("reboot_timeout")
            .aliases(&["reboot_timeout_sec"])
            .default(Literal::Int(600))
            .doc("Seconds to wait for it."),
        Arg::int("connect_timeout").aliases(&["connect_timeout_sec"]).doc("Seconds for one attempt to connect."),
        Arg::str("test_command").default(Literal::Str("whoami")).doc("Succeeds when the host is ready."),
        Arg::str("msg").default(Literal::Str("Reboot initiated by Ansible")).doc("Shown to users of the host."),
        Arg::list("search_paths", ArgType::Str)
            .doc("Where the shutdown command is looked for; the usual places always count."),
        Arg::str("boot_time_command").doc("Accepted; the kernel's boot id is compared."),
        Arg::str("reboot_command").doc("Command that restarts the host."),
    ],
);

pub(super) static SHUTDOWN: ModuleSpec = spec(
    "community.general.shutdown",
    "Shuts the host down.",
    &[
        Arg::int("delay").default(Literal::Int(0)).doc("Seconds before it; less than a minute is none."),
        Arg::str("msg").default(Literal::Str("Shut down initiated by Ansible")).doc("Shown to users of the host."),
        Arg::list("search_paths", ArgType::Str).doc("Where the shutdown command is looked for."),
    ],
);

pub(super) static WAIT_FOR_CONNECTION: ModuleSpec = spec(
    "ansible.builtin.wait_for_connection",
    "Waits until the host can be worked with.",
    &[
        Arg::float("delay").default(Literal::Int(0)).doc("Seconds before the first attempt."),
        Arg::float("sleep").default(Literal::Int(1)).doc("Seconds between attempts."),
        Arg::float("timeout").default(Literal::Int(600)).doc("Seconds until it fails."),
        Arg::float("connect_timeout").default(Literal::Int(5)).doc("Seconds for one attempt."),
    ],
);

pub(super) static TEMPLATE: ModuleSpec = ModuleSpec {
    shared: &[tightbeam_modules::host::FILE_ARGS],
    kind: Kind::Declarative,
    diff: true,
    ..spec(
        "ansible.builtin.template",
        "Renders a template of the controller into a file on the host.",
        &[
            Arg::path("src")
                .required()
                .doc("The template, looked for in `templates/` of the role and beside the playbook."),
            Arg::path("dest").required().doc("The file on the host, or a directory."),
            Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under a name with the date."),
            Arg::bool("force").default(Literal::Bool(true)).doc("Replace a file that differs."),
            Arg::bool("follow").default(Literal::Bool(false)).doc("Follow a link at `dest`."),
            Arg::str("validate").doc("A command that must accept the file (`%s`) before it is put in place."),
            Arg::str("newline_sequence")
                .choices(&["\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"])
                .default(Literal::Str("\n"))
                .doc("End of lines, as it is or as an escape."),
            Arg::str("block_start_string").doc("Instead of `{%`."),
            Arg::str("block_end_string").doc("Instead of `%}`."),
            Arg::str("variable_start_string").doc("Instead of `{{`."),
            Arg::str("variable_end_string").doc("Instead of `}}`."),
            Arg::str("comment_start_string").doc("Instead of `{#`."),
            Arg::str("comment_end_string").doc("Instead of `#}`."),
            Arg::bool("trim_blocks").default(Literal::Bool(true)).doc("Drop the newline after a block."),
            Arg::bool("lstrip_blocks").default(Literal::Bool(false)).doc("Drop blanks before a block."),
            Arg::str("output_encoding").default(Literal::Str("utf-8")).doc("Encoding of the file."),
        ],
    )
};

pub(super) static VALIDATE_ARGUMENT_SPEC: ModuleSpec = spec(
    "ansible.builtin.validate_argument_spec",
    "Checks a role's arguments against its specification.",
    &[
        Arg::dict("argument_spec").required().doc("The specification."),
        Arg::dict("provided_arguments").doc("The arguments; without it the variables of those names."),
        Arg::raw("validate_args_context").doc("Where the specification comes from."),
    ],
);
