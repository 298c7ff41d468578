import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command as completion needs it: the words that lead to it, and what may come next. */
interface Place {
  readonly words: string;
  readonly commands: readonly Choice[];
  readonly flags: readonly Choice[];
}
interface Choice {
  readonly word: string;
  readonly says: string;
}

/** A script for a shell, made from the table of commands itself, so that it can't drift from it. */
export function completionScript(shell: Shell, program: Command): string {
  const places = placesBelow(program, '');
  switch (shell) {
    case 'bash':
      return bash(places);
    case 'zsh':
      return zsh(places);
    case 'fish':
      return fish(places);
    default:
      return shell satisfies never;
  }
}

function placesBelow(command: Command, words: string): readonly Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).map((each) => ({ word: each.name(), says: each.description() }));
  const flags = help.visibleOptions(command).flatMap(({ long, description }) => (long == null ? [] : [{ word: long, says: description }]));
  const below = help.visibleCommands(command).flatMap((each) => placesBelow(each, `${words} ${each.name()}`.trim()));
  return [{ words, commands, flags }, ...below];
}

const wordsOf = ({ commands, flags }: Place): string => [...commands, ...flags].map(({ word }) => word).join(' ');
/** The groups of commands: there the second word is a command too, and not an id. */
const groupsIn = (places: readonly Place[]): readonly string[] =>
  places.filter(({ words, commands }) => words !== '' && commands.length > 0).map(({ words }) => words);

function bash(places: readonly Place[]): string {
  return [
    '# shoal completion bash; in ~/.bashrc: source <(shoal completion bash)',
    '_shoal() {',
    '  local here="" word',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$word" in -*) break ;; esac',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
    '    here="${here:+$here }$word"',
    `    case "$here" in ${groupsIn(places).join('|')}) ;; *) break ;; esac`,
    '  done',
    '  local next=""',
    '  case "$here" in',
    ...places.map((place) => `    '${place.words}') next='${wordsOf(place)}' ;;`),
    '  esac',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
    '  COMPREPLY=($(compgen -W "$next" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _shoal shoal',
  ].join('\n');
}

/** For `_describe`: a colon parts the word from what it says. */
const described = ({ word, says }: Choice): string => `'${`${word}:${says}`.replaceAll("'", `'\\''`)}'`;

function zsh(places: readonly Place[]): string {
  return [
    '#compdef shoal',
    '# shoal completion zsh; in ~/.zshrc, after compinit: source <(shoal completion zsh)',
    '_shoal() {',
    '  local here="" word; local -a next',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    '    case "$word" in (-*) break ;; esac',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
    '    here="${here:+$here }$word"',
    `    case "$here" in (${groupsIn(places).join('|')}) ;; (*) break ;; esac`,
    '  done',
    '  case "$here" in',
    ...places.map((place) => `    ('${place.words}') next=(${[...place.commands, ...place.flags].map(described).join(' ')}) ;;`),
    '  esac',
    '  _describe shoal next || _files',
    '}',
    'compdef _shoal shoal',
  ].join('\n');
}

function fish(places: readonly Place[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const groups = groupsIn(places);
  const lines = places.flatMap(({ words, commands, flags }) => {
    const here = `-n ${quoted(`_shoal_is ${quotedWords(words)}`)}`;
    return [
      ...commands.map(({ word, says }) => `complete -c shoal -f ${here} -a ${word} -d ${quoted(says)}`),
      ...flags.map(({ word, says }) => `complete -c shoal ${here} -l ${word.slice(2)} -d ${quoted(says)}`),
    ];
  });
  return [
    '# shoal completion fish | source',
    'function _shoal_is',
    '  set -l here',
    '  for word in (commandline -opc)[2..-1]',
    '    string match -q -- "-*" $word; and break',
    '    set -a here $word',
    `    contains -- "$here" ${groups.join(' ')}; or break`,
    '  end',
    '  test "$here" = "$argv"',
    'end',
    ...lines,
  ].join('\n');
}

const quotedWords = (words: string): string => (words === '' ? '""' : words);
