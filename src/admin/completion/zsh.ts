// The completion script for zsh (zshcompsys(1), _arguments and _describe). Text only.
import type { Command, Options } from '../../cli/command.ts';
import { OPTIONS, type Option } from '../../cli/options.ts';
import { type Values, valuesOf } from './words.ts';

export function zshScript(commands: readonly Command[]): string {
  return `#compdef greylatch
# zsh completion for greylatch, made by "greylatch completion zsh"
_greylatch() {
  local -a commands=(
${commands.map(({ name, describe }) => `    ${quoted(`${name}:${describe}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  case $words[2] in
${commands
  .map(
    (command) => `    ${command.name})
      shift words; (( CURRENT-- ))
      _arguments -s ${[...specs(command.options), ...wordSpecs(command)].join(' \\\n        ')} ;;`,
  )
  .join('\n')}
    *)
      _arguments -s ${[...specs(OPTIONS), quoted('--version[print the version]')].join(' \\\n        ')} ;;
  esac
}
if [[ $funcstack[1] == _greylatch ]]; then _greylatch "$@"; else compdef _greylatch greylatch; fi
`;
}

function specs(options: Options): string[] {
  const own = Object.entries(options).map(([name, option]) => spec(name, option));
  return [...own, quoted('--help[print a help text]')];
}

function spec(name: string, option: Option): string {
  const { alias, describe, repeat } = option;
  const values = valuesOf(option);
  const takes = values === undefined ? '' : `:${name}:${action(values)}`;
  const rest = `[${describe.replace(/[[\]\\]/g, '\\$&')}]${takes}`;
  const often = repeat === true ? '*' : '';
  if (alias === undefined) return quoted(`${often}--${name}${values === undefined ? '' : '='}${rest}`);
  const both = often === '' ? quoted(`(-${alias} --${name})`) : quoted(often);
  return `${both}{-${alias},--${name}${values === undefined ? '' : '='}}${quoted(rest)}`;
}

function wordSpecs({ positionals }: Command): string[] {
  return Object.entries(positionals).map(([word, { many, choices }]) =>
    quoted(`${many === true ? '*' : ''}:${word}:${action(choices ?? 'files')}`),
  );
}

/** Where there is nothing to offer, the name of the value is shown. */
function action(values: Values): string {
  if (values === 'files') return '_files';
  return values.length === 0 ? ' ' : `(${values.map((word) => word.replace(/:/g, '\\:')).join(' ')})`;
}

function quoted(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`;
}
