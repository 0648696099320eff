#!/usr/bin/env python3
"""Takes the events of the cases in this directory from ansible-core, and writes them into the cases' files.

usage: record.py [--new] ANSIBLE_PLAYBOOK [FILE ...]        --new: only cases that have no events yet

Runs every case with the real `ansible-playbook` on this machine, as root: `connection: local` for all hosts (they do
nothing but `true`, `false`, `echo`, `printenv`, `whoami`, `sleep`); hosts named `down…` and ssh to port 9 are
unreachable. Facts are gathered only where a play asks for them. Only `events` is rewritten; a case with `differs` keeps
its own.
"""
import concurrent.futures, glob, os, re, subprocess, sys, tempfile
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))

CALLBACK = '''
import atexit, json, os, sys
from ansible.plugins.callback import CallbackBase
from ansible.playbook.task_include import TaskInclude

HIDDEN = ('changed', 'failed', 'skip_reason', 'false_condition', 'warnings', 'deprecations')


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'lines'

    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        self.out = open(os.environ['LINES'], 'w')
        self.group = []
        atexit.register(self.head, '')

    def head(self, line):
        self.group.sort(key=lambda l: l.split(':')[0].rsplit(' ')[-1])
        for l in self.group:
            self.out.write('  ' + l + '\\n')
        self.group = []
        if line:
            self.out.write(line.rstrip() + '\\n')
        self.out.flush()

    def result(self, status, result, looped=False, item=False):
        if item and isinstance(result._task, TaskInclude):
            return
        data = result._result
        line = '%s %s:' % (status, result._host.get_name())
        if result._task.delegate_to not in (None, result._host.get_name()) and not looped and '{' not in result._task.delegate_to:
            line += ' -> %s' % (result._task.delegate_to,)
        if item:
            label = data.get('_ansible_item_label', data.get(data.get('ansible_loop_var')))
            if data.get('_ansible_no_log'):
                label = '(censored due to no_log)'
            line += ' [%s]' % (label,)
        if not looped:
            line += ' ' + self.detail(status, result)
        self.group.append(line.rstrip())

    def detail(self, status, result):
        data = result._result
        if data.get('_ansible_no_log'):
            data = dict(censored=1)
        text = lambda k: json.dumps(data[k], separators=(',', ':'), ensure_ascii=False) if data.get(k) else ''
        if status == 'unreachable':
            return ''
        if result._task.action.split('.')[-1] == 'debug' and status == 'ok':
            return json.dumps({k: v for k, v in data.items() if k not in HIDDEN and not k.startswith('_')}, separators=(',', ':'), ensure_ascii=False)
        return text('msg') if status in ('failed', 'ignored') else text('stdout')

    def v2_playbook_on_play_start(self, play):
        self.head('PLAY ' + play.get_name().strip())

    def v2_playbook_on_no_hosts_matched(self):
        self.head('NO HOSTS')

    def v2_playbook_on_no_hosts_remaining(self):
        self.head('NO HOSTS LEFT')

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.head('TASK ' + str(task.get_name()).strip())

    def v2_playbook_on_cleanup_task_start(self, task):
        self.head('TASK ' + str(task.get_name()).strip())

    def v2_playbook_on_handler_task_start(self, task):
        self.head('HANDLER ' + str(task.get_name()).strip())

    def looped(self, result):
        return bool(result._task.loop) and 'results' in result._result

    def v2_runner_on_ok(self, result):
        self.result('changed' if result._result.get('changed') else 'ok', result, self.looped(result))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result('ignored' if ignore_errors else 'failed', result, self.looped(result))

    def v2_runner_on_skipped(self, result):
        self.result('skipped', result, self.looped(result))

    def v2_runner_on_unreachable(self, result):
        self.result('unreachable', result)

    def v2_runner_item_on_ok(self, result):
        self.result('changed' if result._result.get('changed') else 'ok', result, item=True)

    def v2_runner_item_on_failed(self, result):
        self.result('failed', result, item=True)

    def v2_runner_item_on_skipped(self, result):
        self.result('skipped', result, item=True)

    def v2_runner_retry(self, result):
        self.group.append('retry %s:' % result._host.get_name())

    def v2_playbook_on_include(self, included):
        self.group.append('included %s: %s' % (','.join(h.name for h in included._hosts), os.path.basename(included._filename)))

    def v2_playbook_on_stats(self, stats):
        self.head('RECAP')
        for h in sorted(stats.processed):
            s = stats.summarize(h)
            self.group.append('%s: ok=%d changed=%d unreachable=%d failed=%d skipped=%d rescued=%d ignored=%d' % (
                h, s['ok'], s['changed'], s['unreachable'], s['failures'], s['skipped'], s['rescued'], s['ignored']))
        self.head('')
        if stats.custom:
            self.head('STATS ' + json.dumps(stats.custom, separators=(',', ':')))
'''


def run(ansible, case):
    with tempfile.TemporaryDirectory() as d:
        def put(path, text):
            path = os.path.join(d, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w') as f:
                f.write(text)
        hosts = case.get('hosts', 'h1\n')
        down = 'ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=9'
        hosts = re.sub(r'^(down\w*)', r'\1 ' + down, hosts, flags=re.M)
        put('hosts', hosts)
        put('play.yml', case['play'])
        for path, text in case.get('files', {}).items():
            put(path, text)
        put('.plugins/lines.py', CALLBACK)
        env = dict(os.environ, ANSIBLE_CALLBACK_PLUGINS=d + '/.plugins', ANSIBLE_STDOUT_CALLBACK='lines', LINES=d + '/.lines',
                   ANSIBLE_TRANSPORT='local', ANSIBLE_GATHERING='explicit', ANSIBLE_PYTHON_INTERPRETER='/usr/bin/python3', ANSIBLE_LOCALHOST_WARNING='false',
                   ANSIBLE_NOCOLOR='1', ANSIBLE_RETRY_FILES_ENABLED='false', ANSIBLE_LOCAL_TEMP=d + '/.tmp', HOME=d, ANSIBLE_ASYNC_DIR=d + '/.async', **case.get('environment', {}))
        p = subprocess.run([ansible, '-i', d + '/hosts'] + case.get('options', []) + [d + '/play.yml'], cwd=d, env=env,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        lines = ''
        if os.path.exists(d + '/.lines'):
            lines = open(d + '/.lines').read()
        if p.returncode and 'RECAP' not in lines:
            first = [l for l in p.stderr.splitlines() if l.startswith('[ERROR]: ')]
            lines += (first[0].replace('[ERROR]: ', 'ERROR ') if first else 'ERROR ' + p.stderr[:200]).replace(d, '.') + '\n'
        return lines.replace(d, '.') + 'EXIT %d\n' % p.returncode


class Text(str):
    pass


yaml.SafeDumper.add_representer(str, lambda d, s: d.represent_scalar('tag:yaml.org,2002:str', s, style='|' if '\n' in s else None))


def main():
    words = [w for w in sys.argv[1:] if w != '--new']
    new = '--new' in sys.argv
    for path in words[1:] or sorted(glob.glob(HERE + '/*.yml')):
        cases = yaml.safe_load(open(path))
        due = [c for c in cases if 'differs' not in c and not (new and 'events' in c)]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for case, events in zip(due, pool.map(lambda c: run(words[0], c), due)):
                case['events'] = events
                print(os.path.basename(path), case['name'])
        comment = ''.join(l for l in open(path) if l.startswith('#'))
        with open(path, 'w') as f:
            f.write(comment + yaml.safe_dump(cases, sort_keys=False, allow_unicode=True, width=120))


if __name__ == '__main__':
    main()
