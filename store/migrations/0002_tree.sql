ALTER TABLE "tasks" ADD COLUMN "ancestors" text[];--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "tree_cancel" json;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "tree_cancel_due" boolean;--> statement-breakpoint
CREATE INDEX "tasks_below" ON "tasks" USING gin ("ancestors") WHERE "tasks"."ancestors" is not null;--> statement-breakpoint
CREATE INDEX "tasks_tree_cancel_due" ON "tasks" USING btree ("number") WHERE "tasks"."tree_cancel_due";