import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { Review } from '../entities/review.entity.js';
import { ReviewsController } from './reviews.controller.js';

@Module({
  imports: [SoftDeleteModule.forFeature([Review])],
  controllers: [ReviewsController],
})
export class ReviewsModule {}
