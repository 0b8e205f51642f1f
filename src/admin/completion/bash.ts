// The completion script for bash (its manual, "Programmable Completion"). Text only.
import type { Command, Options } from '../../cli/command.ts';
import { OPTIONS } from '../../cli/options.ts';
import { flagsOf, type Values, valuesOf, wordsOf } from './words.ts';

export function bashScript(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name);
  return `# bash completion for greylatch, made by "greylatch completion bash"
_greylatch() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  # bash cuts words at "=" and ":", as in --name=value and file:PATH.
  if [[ $prev == : || $cur == : ]]; then cur=\${cur#:} prev=files
  elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $cur == '=' ]]; then cur=
  fi
  case $command in
    ${names.join('|')}) (( COMP_CWORD > 1 )) || command= ;;
    *) command= ;;
  esac
  case "$command $prev" in
    *\\ files) _greylatch_files "$cur" ;;
${[['', OPTIONS] as const, ...commands.map(({ name, options }) => [name, options] as const)]
  .flatMap(([name, options]) => valueCases(name, options))
  .join('\n')}
    *)
      case $command in
${commands.map((command) => `        ${command.name}) ${offer(wordsOf(command), flags(command.options))} ;;`).join('\n')}
        *) if (( COMP_CWORD == 1 )); then ${offer(names, flags(OPTIONS, '--version'))}; else ${offer([], flags(OPTIONS))}; fi ;;
      esac ;;
  esac
}
_greylatch_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}
_greylatch_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
  [[ \${COMPREPLY[*]} != *: ]] || compopt -o nospace 2>/dev/null
}
complete -F _greylatch greylatch
`;
}

function valueCases(name: string, options: Options): string[] {
  return flagsOf(options).flatMap(([flag, option]) => {
    const values = valuesOf(option);
    return values === undefined ? [] : [`    '${name} ${flag}') ${offer(values)} ;;`];
  });
}

/** The options when a word begins with a dash, else the values. */
function offer(values: Values, options?: string): string {
  const plain =
    values === 'files' ? '_greylatch_files "$cur"' : `_greylatch_words '${values.join(' ')}' "$cur"`;
  if (options === undefined) return plain;
  return `if [[ $cur == -* ]]; then _greylatch_words '${options}' "$cur"; else ${plain}; fi`;
}

function flags(options: Options, ...more: string[]): string {
  return [...flagsOf(options).map(([flag]) => flag), '--help', ...more].join(' ');
}
