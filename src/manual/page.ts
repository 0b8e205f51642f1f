// The manual page greylatch(8), in the manner of Postfix's: made of the tables of options and commands, and of prose.ts. Text
// in, text out.
import type { Command, Options } from '../cli/command.ts';
import type { Option } from '../cli/options.ts';
import * as prose from './prose.ts';
import { escaped, inline, item, paragraph, section, subsection, verbatim } from './roff.ts';

const PLACEHOLDERS: Record<Exclude<Option['kind'], 'flag' | 'choice'>, string> = {
  path: 'FILE',
  duration: 'TIME',
  count: 'NUMBER',
  text: 'TEXT',
  attribute: 'TEXT',
  action: 'ACTION',
  log: 'TARGET',
  url: 'URL',
  milliseconds: 'TIME',
};

/** The page as roff source. `options` are the filter's. */
export function manualPage(version: string, options: Options, commands: readonly Command[]): string {
  return [
    '.\\" Made from the tables of options and commands when the package is built.\n',
    `.TH GREYLATCH 8 "" "${escaped(`greylatch ${version}`)}"\n`,
    section('NAME'),
    `greylatch \\- ${escaped(prose.BRIEF)}\n`,
    section('SYNOPSIS'),
    '.nf\n',
    '\\fBgreylatch\\fR [\\fIoptions\\fR]\n',
    ...commands.map(
      (command) => `${inline(`**greylatch ${command.name}**${words(command)} [__options__]`)}\n`,
    ),
    '.fi\n',
    proseSection('DESCRIPTION', prose.DESCRIPTION),
    proseSection('OPTIONS', prose.OPTIONS_INTRO),
    optionItems(options),
    proseSection('CONFIGURATION', prose.CONFIGURATION),
    proseSection('WHITELIST FILES', prose.LISTS),
    proseSection('SEVERAL HOSTS', prose.STORE),
    proseSection('COMMANDS', prose.COMMANDS_INTRO),
    ...commands.map(commandText),
    proseSection('EXIT STATUS', prose.FILTER_STATUS),
    proseSection('FILES', prose.FILES),
    proseSection('DIAGNOSTICS', prose.DIAGNOSTICS),
    proseSection('SECURITY', prose.SECURITY),
    proseSection('STANDARDS', prose.STANDARDS),
    proseSection('BUGS', prose.BUGS),
    proseSection('SEE ALSO', prose.SEE_ALSO),
    proseSection('LICENSE', prose.LICENSE),
  ]
    .join('')
    .replace(/^(\.S[HS] .*\n)\.PP\n/gm, '$1'); // a heading begins a paragraph
}

function commandText(command: Command): string {
  const { name, describe, text = [], options, positionals, examples, statuses } = command;
  return [
    subsection(inline(`**greylatch ${name}**${words(command)} [__options__]`)),
    paragraph(escaped(sentence(describe))),
    ...text.map((each) => paragraph(escaped(each))),
    ...Object.entries(positionals).map(([word, { describe: what }]) =>
      item(inline(`__${word.toUpperCase()}__`), escaped(sentence(what))),
    ),
    optionItems(options),
    paragraph('Exit status:'),
    ...Object.entries(statuses).map(([status, what]) =>
      item(inline(`**${status}**`), escaped(sentence(what))),
    ),
    ...(examples.length > 0 ? [paragraph('Examples:')] : []),
    ...examples.map(([line, what]) => item(escaped(`greylatch ${line}`), escaped(sentence(what)))),
  ].join('');
}

/** ` DAMAGED --into FILE`, ` [LOGFILE...]` */
function words({ positionals, options }: Command): string {
  const each = Object.entries(positionals).map(([word, { required, many }]) => {
    const name = `__${word.toUpperCase()}__${many === true ? '...' : ''}`;
    return required === true ? ` ${name}` : ` [${name}]`;
  });
  const needed = Object.entries(options)
    .filter(([, option]) => option.required === true)
    .map(([name, option]) => ` **--${name}**${placeholder(option)}`);
  return [...each, ...needed].join('');
}

/** ` FILE`, ` exact|normalised`; nothing for a flag. */
function placeholder({ kind, choices = [] }: Option): string {
  if (kind === 'flag') return '';
  return ` ${kind === 'choice' ? choices.map((word) => `**${word}**`).join('|') : `__${PLACEHOLDERS[kind]}__`}`;
}

function optionItems(options: Options): string {
  return Object.entries(options)
    .map(([name, option]) => {
      const { alias, describe, default: usual, repeat, required } = option;
      const short = alias === undefined ? '' : `**-${alias}**, `;
      const remarks = [
        ...(usual === undefined || usual === '' ? [] : [`default: ${usual}`]),
        ...(repeat === true ? ['may be repeated'] : []),
        ...(required === true ? ['required'] : []),
      ];
      const behind = remarks.length > 0 ? ` (${remarks.join('; ')})` : '';
      return item(
        inline(`${short}**--${name}**${placeholder(option)}`) + escaped(behind),
        escaped(sentence(describe)),
      );
    })
    .join('');
}

function proseSection(title: string, blocks: readonly prose.Block[]): string {
  const parts = blocks.map((block) => {
    if (typeof block === 'string') return paragraph(inline(block));
    if ('lines' in block) return verbatim(block.lines);
    return block.map(([term, text]) => item(inline(term), inline(text))).join('');
  });
  return section(title) + parts.join('');
}

/** A phrase of the tables as a sentence; one that ends with a command line, which would not work with a full stop, has none. */
function sentence(phrase: string): string {
  const whole = phrase.charAt(0).toUpperCase() + phrase.slice(1);
  return /[.!?:]$|^(As in|Made by): | -$/.test(whole) ? whole : `${whole}.`;
}
