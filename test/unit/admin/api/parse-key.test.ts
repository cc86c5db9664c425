import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { BadRequestException } from '@nestjs/common';
import { parseKey } from '../../../../lib/admin/api/parse-key.js';

describe(parseKey, () => {
  const Plain = defineEntity({ name: 'Plain', properties: { id: p.integer().primary() } });
  const Pair = defineEntity({
    name: 'Pair',
    properties: { tenant: p.integer().primary(), code: p.text().primary() },
  });
  const orm = new MikroORM({ dbName: 'none', entities: [Plain, Pair] });
  const metaOf = (name: string) => [...orm.getMetadata()].find(({ className }) => className === name)!;

  it('reads a key as the entity has it', () => {
    expect(parseKey(metaOf('Plain'), '7')).toBe(7);
    expect(parseKey(metaOf('Pair'), '[7,"a"]')).toEqual([7, 'a']);
  });

  it.each<[string, unknown, string]>([
    ['Plain', 'seven', '"seven" is not a key of Plain. Write id as text.'],
    ['Plain', 7, '"7" is not a key of Plain. Write id as text.'],
    ['Plain', undefined, '"undefined" is not a key of Plain. Write id as text.'],
    ['Plain', ['7'], '"["7"]" is not a key of Plain. Write id as text.'],
    ['Plain', 'x'.repeat(200), `"${'x'.repeat(100)}" is not a key of Plain. Write id as text.`],
    ['Pair', '7', '"7" is not a key of Pair. Write a JSON array of tenant, code as text.'],
  ])('tells the client of %s what a key looks like: %j', (name, text, message) => {
    expect(() => parseKey(metaOf(name), text)).toThrow(new BadRequestException(message));
  });
});
