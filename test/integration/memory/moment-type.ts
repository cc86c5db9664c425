import { Type } from '@mikro-orm/core';

/** A time that is no `Date`, cannot be compared and has no `getTime()`. */
export class Moment {
  readonly #date: Date;
  constructor(readonly text: string) {
    this.#date = new Date(text);
  }
  get iso() {
    return this.#date.toISOString();
  }
}

export class MomentType extends Type<Moment | null, string | null> {
  override convertToDatabaseValue(value: Moment | string | null): string | null {
    return value instanceof Moment ? value.text : value;
  }
  override convertToJSValue(value: string | null): Moment | null {
    return value === null ? null : new Moment(value);
  }
  override getColumnType(): string {
    return 'timestamptz';
  }
  override compareAsType(): string {
    return 'string';
  }
}
