import { parse, readLibrary, type Source } from './source.js';
import {
  backwardSteps,
  bareErrors,
  crowdedRooms,
  cycles,
  hiddenTouches,
  indexImports,
  longFiles,
  misplacedNest,
  moduleState,
  oddNames,
  replacedOrmMethods,
  silentMessages,
  uncheckedValues,
} from './violations.js';

const library = readLibrary();

/** Each rule with a file or two that break it: a rule that finds nothing in them would find nothing in the library. */
const rules: {
  rule: (sources: readonly Source[]) => string[];
  meaning: string;
  fixture: Record<string, string>;
  found: string[];
}[] = [
  {
    rule: backwardSteps,
    meaning: 'lets imports go one way only',
    fixture: {
      'metadata/catalog.ts': "import { Purge } from '../purge/purge.service.js';",
      'filter/scope.ts': "export type { Plan } from '../flush/plan.js';",
      'attic/box.ts': "import '../errors/soft-delete.error.js';",
      'http/scope.interceptor.ts': "import { Catalog } from '../metadata/catalog.js';",
    },
    found: [
      'metadata/catalog.ts (metadata) imports purge/purge.service.ts (purge)',
      'filter/scope.ts (filter) imports flush/plan.ts (flush)',
      'attic/box.ts: there is no room "attic" in the house',
    ],
  },
  {
    rule: cycles,
    meaning: 'has no files that need each other, for types alone included',
    fixture: {
      'purge/a.ts': "import { b } from './b.js';",
      'purge/b.ts': "export const b = async () => import('./c.js');",
      'purge/c.ts': "import { a, type A } from './a.js';",
      'purge/d.ts': "import { a } from './a.js'; import type { E } from './e.js';",
      'purge/e.ts': "import { d } from './d.js';",
      'purge/f.ts': "import { type G } from './g.js';",
      'purge/g.ts': "import { f } from './f.js';",
    },
    found: [
      'purge/a.ts → purge/b.ts → purge/c.ts → purge/a.ts',
      'purge/d.ts → purge/e.ts → purge/d.ts',
      'purge/f.ts → purge/g.ts → purge/f.ts',
    ],
  },
  {
    rule: indexImports,
    meaning: 'imports nothing through the index of a folder',
    fixture: { 'purge/a.ts': "import { b } from '../filter/index.js'; import { c } from '../flush';" },
    found: ['purge/a.ts imports filter/index.ts', 'purge/a.ts imports flush'],
  },
  {
    rule: misplacedNest,
    meaning: 'keeps Nest in its rooms and the scheduler in one of them, and imports package roots only',
    fixture: {
      'deletion/a.ts': "import { Logger } from '@nestjs/common';",
      'http/b.ts': "import { SchedulerRegistry } from '@nestjs/schedule';",
      'nest/soft-delete.module.ts':
        "import { Module } from '@nestjs/common/decorators/index.js'; import { C } from '@nestjs/core';",
      'schedule/c.ts': "import { SchedulerRegistry } from '@nestjs/schedule';",
      'nest/inject-soft-delete-repository.decorator.ts': "import { Inject } from '@nestjs/common';",
    },
    found: [
      'deletion/a.ts imports @nestjs/common',
      'http/b.ts imports @nestjs/schedule',
      'nest/soft-delete.module.ts imports @nestjs/common/decorators/index.js',
    ],
  },
  {
    rule: hiddenTouches,
    meaning: 'touches no private member of the ORM that is not among the touches',
    fixture: {
      'filter/a.ts':
        'em.getEntityLoader(); uow.shouldCascade(a, b); const { __serializationContext: c } = helper(entity);',
      'filter/b.ts': 'class B extends C { override processPopulateWhere() {} } parts.quote; Promise.resolve();',
    },
    found: ['filter/a.ts: shouldCascade', 'filter/a.ts: __serializationContext', 'filter/b.ts: processPopulateWhere'],
  },
  {
    rule: replacedOrmMethods,
    meaning: 'replaces methods of the ORM in one room',
    fixture: {
      'flush/a.ts': 'driver.nativeDelete = async () => 0; events.dispatchEvent = (() => undefined) as never;',
      'orm/b.ts': 'driver.nativeDelete = async () => 0;',
      'purge/c.ts': 'const found = list.find(Boolean); this.state = found;',
    },
    found: ['flush/a.ts: driver.nativeDelete', 'flush/a.ts: events.dispatchEvent'],
  },
  {
    rule: bareErrors,
    meaning: 'throws no error without a code',
    fixture: {
      'purge/a.ts': "function f() { throw new Error('no'); } function g() { throw new NoError('a', 'b', 'c'); }",
    },
    found: ["purge/a.ts: throw new Error('no');"],
  },
  {
    rule: silentMessages,
    meaning: 'says in each error and each finding what is wrong and what to do, and of everything described what it is',
    fixture: {
      'purge/a.ts': "throw new SoftDeleteConfigError('a', '', 'Write another one.');",
      'purge/b.ts': "throw new SoftDeleteConfigError('', 'it is wrong.', 'Write another one.');",
      'purge/c.ts': "throw new SoftDeleteConfigError('a', 'it is wrong.', isOne ? 'Write another one.' : 'no');",
      'purge/d.ts': 'throw new SoftDeleteConfigError(where, `${value} is wrong.`, isOne ? advice : `Write ${other}.`);',
      'purge/e.ts': "requireType('', value, 'string'); requireType(`${where}, a`, value ?? '', 'string');",
      'purge/f.ts': "refuseUnknownOptions('a', options, ['b', '']); refuseUnknownOptions('a', options, ['b'], '');",
      'cli/a.ts':
        "throw new CliError(isOne ? 'It is wrong.' : ''); throw new CliError(text); throw new CliError('It is wrong.');",
      'cli/b.ts':
        "throw new CliError(`${flag} is wrong. ` + ''); throw new CliError(`${flag} is wrong. ` + 'Write another.');",
      'cli/c.ts': "export const command = { name: '', description: '' };",
      'cli/d.ts':
        "command.argument('<entity>', 'the class').option('--limit <n>', ''); program.option('', 'the class');",
      'doctor/a.ts': "const found = [{ problem: 'it is wrong.', fix: '' }, { problem: '', fix: 'drop it' }];",
    },
    found: [
      "purge/a.ts: new SoftDeleteConfigError('a', '', 'Write another one.')",
      "purge/b.ts: new SoftDeleteConfigError('', 'it is wrong.', 'Write another one.')",
      "purge/c.ts: new SoftDeleteConfigError('a', 'it is wrong.', isOne ? 'Write another one.' : 'no')",
      "purge/e.ts: requireType('', value, 'string')",
      "purge/f.ts: refuseUnknownOptions('a', options, ['b', ''])",
      "cli/a.ts: new CliError(isOne ? 'It is wrong.' : '')",
      "cli/b.ts: new CliError(`${flag} is wrong. ` + '')",
      "cli/c.ts: description: ''",
      "cli/d.ts: '--limit <n>' of a command",
      "cli/d.ts: '' of a command",
      "doctor/a.ts: fix: ''",
      "doctor/a.ts: problem: ''",
    ],
  },
  {
    rule: moduleState,
    meaning: 'keeps no state in modules',
    fixture: {
      'purge/a.ts':
        'let runs = 0; const seen = new Map<string, number>(); const list: string[] = []; const byOrm = new WeakMap();',
      'purge/b.ts':
        "const RULES = ['cascade']; const known = new Set(RULES); export const f = () => { let inside = 0; return inside; };",
    },
    found: ['purge/a.ts: runs = 0', 'purge/a.ts: seen = new Map<string, number>()', 'purge/a.ts: list: string[] = []'],
  },
  {
    rule: uncheckedValues,
    meaning: 'has types any only where the internals of the ORM are, and in the one file that names them',
    fixture: {
      'purge/a.ts':
        'const a = b as any; function f(c: any): Promise<any> {} type D = Record<string, any>; let e: any[]; type G = { h?: any };',
      'purge/b.ts':
        'class B<C = any> extends D<any> { constructor(...args: any[]) { f<any>(); } } type F<T> = T extends D ? T : any;',
      'orm/c.ts': 'const a = b as any;',
      'options/any-of-the-orm.ts': 'export type AnyName = EntityName<any>;',
    },
    found: [
      'purge/a.ts: b as any',
      'purge/a.ts: c: any',
      'purge/a.ts: Promise<any>',
      'purge/a.ts: Record<string, any>',
      'purge/a.ts: any[]',
      'purge/a.ts: h?: any',
      'purge/b.ts: D<any>',
      'purge/b.ts: f<any>()',
    ],
  },
  {
    rule: oddNames,
    meaning: 'names files in kebab-case with their role',
    fixture: {
      'purge/purgeService.ts': '',
      'Purge/a.ts': '',
      'purge/purge.service.ts': '',
      'purge/statements/delete-batch.ts': '',
    },
    found: ['purge/purgeService.ts', 'Purge/a.ts'],
  },
  {
    rule: crowdedRooms,
    meaning: 'has rooms of twenty files at most, statements aside',
    fixture: Object.fromEntries(
      Array.from({ length: 21 }, (_, i) => [
        [`purge/a${i}.ts`, ''],
        [`purge/statements/a${i}.ts`, ''],
        [`purge/run/a${i % 20}.ts`, ''],
      ]).flat(),
    ),
    found: ['purge: 21 files'],
  },
  {
    rule: longFiles,
    meaning: 'has files of 300 lines at most',
    fixture: { 'purge/a.ts': 'f();\n'.repeat(301), 'purge/b.ts': 'f();\n'.repeat(300) },
    found: ['purge/a.ts: 301 lines'],
  },
];

describe('The library', () => {
  it('is read from its files', () => {
    expect(library.length).toBeGreaterThan(30);
    expect(library.find(({ path }) => path === 'index.ts')?.imports.length).toBeGreaterThan(10);
  });

  it.each(rules)('$meaning', ({ rule }) => {
    expect(rule(library)).toEqual([]);
  });
});

describe('A library that does not obey', () => {
  it.each(rules)('breaks the rule and is found out: $meaning', ({ rule, fixture, found }) => {
    const broken = Object.entries(fixture).map(([path, text]) => parse(path, text));
    expect(rule(broken)).toEqual(found);
  });
});
