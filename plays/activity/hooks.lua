-- May an enrolment change during promotion? The commission may rise, not fall; the price may fall, not rise.
function change(x)
  if x.new.commission_bps < x.old.commission_bps then
    return nil, "the commission may not be lowered during promotion"
  end
  if x.new.price > x.old.price then
    return nil, "the price may not be above the enrolled one"
  end
  return {allowed = true}
end
