import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

const LARGEST = 2_147_483_647;

/** A primary key in the address: a whole number that fits into the column. */
@Injectable()
export class IdPipe implements PipeTransform<string, number> {
  transform(value: string): number {
    const id = Number(value);
    if (!/^\d+$/.test(value) || id < 1 || id > LARGEST) {
      throw new BadRequestException(`"${value}" is not an id. Write a whole number from 1 to ${LARGEST}.`);
    }
    return id;
  }
}
