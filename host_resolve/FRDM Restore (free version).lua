-- Workspace > Scripts > FRDM Restore (free version): says what is possible without the Studio version.
-- Nothing here calls what the free version refuses: one such call opens a window that stops all later ones.
local product = resolve and resolve:GetProductName() or "DaVinci Resolve"
if string.find(product, "Studio") then
  print("This is " .. product .. ": use Workspace > Scripts > FRDM Restore.")
else
  print(product .. " runs no Python scripts and shows no windows of scripts, so FRDM cannot place results here.")
  print("By hand: export the clip as EXR (Deliver, Individual clips, RGB half), run")
  print("  frdm restore FOLDER RESTORED")
  print("and drag the folder RESTORED into the media pool, then onto the track above the original.")
end
