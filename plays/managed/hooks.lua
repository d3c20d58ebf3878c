-- The next rate: a step up while the goal is missed, a step down while it is passed by a tenth; within the bounds.
function move(x)
  local step, rate = x.plan.step_bps or 50, x.rate_bps
  if x.seen < x.plan.goal.target then
    rate = rate + step
  elseif x.seen > x.plan.goal.target * 1.1 then
    rate = rate - step
  end
  rate = math.max(x.min_bps, math.min(x.max_bps, rate))
  return {rate_bps = rate, why = rate > x.rate_bps and "below the goal" or rate < x.rate_bps and "above the goal" or "kept"}
end
