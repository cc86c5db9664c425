import { Type } from '@mikro-orm/core';

/** `doc_17` in the application, `17` in the database. */
export class PrefixedId extends Type<string, number> {
  constructor(private readonly prefix: string) {
    super();
  }

  override convertToDatabaseValue(value: string | number): number {
    return typeof value === 'number' ? value : Number(value.slice(this.prefix.length + 1));
  }

  override convertToJSValue(value: string | number): string {
    return typeof value === 'string' && value.startsWith(this.prefix) ? value : `${this.prefix}_${value}`;
  }

  override getColumnType(): string {
    return 'bigint';
  }

  override get runtimeType(): string {
    return 'string';
  }
}
