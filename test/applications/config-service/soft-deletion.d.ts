import type { DynamicModule } from '@nestjs/common';

/** The documentation's recipe, which the test puts in the place of this file. */
export declare const softDeletion: DynamicModule;
