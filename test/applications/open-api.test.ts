import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { environmentOfNpm } from './support/environment-of-npm.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** With what applications that stay on the former major version of Nest have installed. */
const FORMER = [
  '@nestjs/common@11.0.5',
  '@nestjs/core@11.0.5',
  '@nestjs/platform-express@11.0.5',
  '@nestjs/swagger@11.4.7',
];

describe.each([
  ['12', () => join(process.env['SOFT_DELETE_APPLICATIONS']!, 'es-modules')],
  ['11', installFormer],
])('The OpenAPI document of @nestjs/swagger %s', (major, install) => {
  let document: any;

  beforeAll(async () => {
    const folder = await install();
    const { version } = JSON.parse(readFileSync(join(await modulesOf(folder), '@nestjs/swagger/package.json'), 'utf8'));
    expect(version.split('.')[0]).toBe(major);
    const { stdout } = await run(process.execPath, [join(folder, 'dist/open-api/main.js')]);
    document = JSON.parse(stdout);
  }, 240_000);

  const parameters = (method: string, path: string) =>
    document.paths[path][method].parameters.map(({ in: place, name, required }: any) => [place, name, required]);
  const schema = (name: string) => document.components.schemas[name];
  const counts = { type: 'object', additionalProperties: { type: 'integer' }, example: { User: 1, Post: 12 } };
  const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

  it('has the parameters of the decorators, on inherited routes too', () => {
    expect(parameters('get', '/people/list')).toEqual([
      ['query', 'page', true],
      ['query', 'withDeleted', false],
    ]);
    expect(parameters('get', '/other/list')).toEqual([['query', 'page', true]]);
    expect(parameters('get', '/people/scope')).toEqual([
      ['query', 'withDeleted', true],
      ['query', 'deleted', false],
    ]);
    expect(parameters('delete', '/people/{id}')).toEqual(
      expect.arrayContaining([
        ['path', 'id', true],
        ['header', 'x-reason', false],
        ['query', 'withDeleted', false],
      ]),
    );
  });

  it('has the results of operations and previews', () => {
    expect(schema('DeletionResultDto')).toMatchObject({
      type: 'object',
      properties: {
        deletedAt: { type: 'string', format: 'date-time' },
        affected: counts,
        total: { type: 'integer', example: 13 },
      },
      required: ['deletedAt', 'affected', 'total'],
    });
    expect(schema('RestoreResultDto')).toMatchObject({
      properties: { affected: counts, total: { type: 'integer' } },
      required: ['affected', 'total'],
    });
    expect(schema('DeletionPreviewDto')).toMatchObject({
      properties: { restrictions: { type: 'array', items: ref('DeletionRestrictionDto') } },
      required: ['affected', 'total', 'restrictions'],
    });
    expect(schema('RestorePreviewDto')).toMatchObject({
      properties: { conflicts: { type: 'array', items: ref('RestoreConflictDto') } },
      required: ['affected', 'total', 'conflicts'],
    });
  });

  it('has the answer to a refusal and what it lists', () => {
    const { responses } = document.paths['/people/{id}'].delete;
    expect(responses['409'].content['application/json'].schema).toEqual(ref('SoftDeleteProblemDto'));
    expect(responses['404'].content['application/problem+json'].schema).toEqual(ref('SoftDeleteProblemDto'));
    expect(schema('SoftDeleteProblemDto')).toMatchObject({
      properties: {
        title: { type: 'string' },
        status: { type: 'integer' },
        code: {
          type: 'string',
          enum: ['RESTORE_CONFLICT', 'DELETION_RESTRICTED', 'LEGAL_HOLD', 'REASON_REQUIRED', 'NOT_FOUND'],
        },
        detail: { type: 'string' },
        conflicts: { type: 'array', items: ref('RestoreConflictDto') },
        restrictions: { type: 'array', items: ref('DeletionRestrictionDto') },
      },
      required: ['title', 'status', 'code', 'detail'],
    });
    const key = { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'array', items: {} }] };
    expect(schema('RestoreConflictDto')).toMatchObject({
      properties: {
        reason: { type: 'string', enum: ['unique', 'key', 'parent-deleted', 'parent-missing', 'schema'] },
        entity: { type: 'string' },
        key,
        constraint: { type: 'string' },
        properties: { type: 'array', items: { type: 'string' } },
        conflictingKey: key,
        conflictingWith: { type: 'string', enum: ['active', 'restored'] },
        column: { type: 'string' },
      },
      required: ['reason', 'entity'],
    });
    expect(schema('DeletionRestrictionDto')).toMatchObject({
      properties: { relation: { type: 'string' }, entity: { type: 'string' }, count: { type: 'integer' } },
      required: ['relation', 'entity', 'count'],
    });
  });
});

/** The same compiled application, next to another version of Nest. */
async function installFormer(): Promise<string> {
  const applications = process.env['SOFT_DELETE_APPLICATIONS']!;
  const folder = join(applications, 'nest-11');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const packed = readdirSync(applications).find((name) => name.endsWith('.tgz'))!;
  // Of what the package asks for, MikroORM alone is not Nest's. The one of this folder will do.
  await run(
    'npm',
    ['install', '--legacy-peer-deps', join(applications, packed), ...FORMER, 'reflect-metadata@0.2.2', 'rxjs@7.8.2'],
    { cwd: folder, env: environmentOfNpm() },
  );
  symlinkSync(join(root, 'node_modules/@mikro-orm'), join(folder, 'node_modules/@mikro-orm'), 'dir');
  cpSync(join(applications, 'es-modules/dist'), join(folder, 'dist'), { recursive: true });
  return folder;
}

/** The packages that a program in the folder finds. */
async function modulesOf(folder: string): Promise<string> {
  const own = join(folder, 'node_modules');
  return readdirSync(folder).includes('node_modules') ? own : join(folder, '../node_modules');
}
